"""
Files that a compiled reader gets only if the scan, asked again about these bytes, finds nothing.

A policy may accept findings, or know of none because it asks for no scan. Readers in C++ trust what
they read more than ours do, and have been wrong about it; so what they get has to be clean.
"""

import time

from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError
from weighbridge.core.evidence import Finding
from weighbridge.core.limits.scanning import MAX_RESCAN_SECONDS
from weighbridge.formats.sniff import sniff
from weighbridge.load.held import HeldFiles
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Deadline, Subject


def require_clean(files: HeldFiles, path: str, *, name: str, where: str) -> None:
    """
    Scan the file at *path*, whose base name is *name*, and let nothing pass but a clean one.

    Args:
        files: All files of the artifact: some formats are told by their neighbours.
        path: The file's.
        name: The file's base name.
        where: The file, for errors.

    Raises:
        ArtifactRefusedError: The scan found something, or could not read all of it.
    """
    held = files[path]
    subject = Subject(
        path=where,
        format=sniff(held, name=name).format,
        source=held,
        name=name,
        siblings=frozenset(files.paths),
        sizes={each: files[each].size for each in files.paths},
        deadline=rescan_deadline(),
        careful=True,
    )
    objections = examine(subject)
    if objections:
        first = objections[0]
        raise ArtifactRefusedError(
            "the file is not one that can be loaded safely",
            code=Code.LOAD_REFUSED,
            where=where,
            expected="nothing that the scan would report",
            found=f"{first.rule}: {first.message}" if isinstance(first, Finding) else first.reason,
            hint="Say weighbridge scan for all of it",
        )


def rescan_deadline() -> Deadline:
    """
    Return when a scan that begins now in this thread has to be done.

    By processor time, so that a machine that does something else refuses nothing.
    """
    return Deadline(clock=time.thread_time, at=time.thread_time() + MAX_RESCAN_SECONDS)
