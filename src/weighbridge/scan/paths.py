"""Paths that a model names: whether they stay in its directory, and what lies there."""

import posixpath
import re
from typing import Final

from weighbridge.scan.interface import Subject

_DRIVE: Final = re.compile(r"[A-Za-z]:|[A-Za-z][A-Za-z0-9+.-]*://")


def escapes(path: str) -> bool:
    """
    Tell whether *path*, relative to a directory, could lead out of it on any system.

    Backslashes separate on some systems; a NUL ends a path for libraries written in C.
    """
    parts = re.split(r"[/\\]", path)
    return (
        path[:1] in ("/", "\\", "~")
        or _DRIVE.match(path) is not None
        or ".." in parts
        or "\0" in path
    )


def is_beside(subject: Subject, path: str) -> bool:
    """Tell whether *path*, relative to the file's directory, is a file of the artifact."""
    return beside(subject, path) in subject.siblings


def beside(subject: Subject, path: str) -> str:
    """Return the artifact's name for *path*, relative to the subject's file."""
    folder = posixpath.dirname(subject.path)
    return posixpath.normpath(posixpath.join(folder, path))
