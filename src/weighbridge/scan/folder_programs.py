"""
What a repository has an editor or an installer run without naming it to the user.

Editors run tasks and the commands of development containers when a folder is opened, npm runs
hooks when a package is installed (docs of VS Code, containers.dev and npm; PEP 517).
"""

import configparser
import tomllib
from collections.abc import Iterator
from typing import Final

from weighbridge.formats.json import JsonValue
from weighbridge.scan.analyzers.script import ScriptFacts
from weighbridge.scan.configuration import objects_in
from weighbridge.scan.interface import Subject

_RUN_ON: Final = "runOn"
_SCRIPTS: Final = "scripts"
_CONTAINERS: Final = frozenset({"devcontainer.json", ".devcontainer.json"})
_CONTAINER_COMMANDS: Final = frozenset(
    {
        "initializeCommand",
        "onCreateCommand",
        "postAttachCommand",
        "postCreateCommand",
        "postStartCommand",
        "updateContentCommand",
    }
)
_PACKAGE: Final = "package.json"
_HOOKS: Final = frozenset(
    {
        "install",
        "postinstall",
        "postprepare",
        "preinstall",
        "prepare",
        "prepublish",
        "preprepare",
    }
)
PROGRAM_KEYS: Final = _CONTAINER_COMMANDS | {_RUN_ON, _SCRIPTS}
"""What `programs_in` looks at of a large document."""

_PIP: Final = "pip when the folder is installed"


def programs_in(subject: Subject, document: JsonValue) -> Iterator[ScriptFacts]:
    """Yield what runs a program of the JSON *document*, once for each of them."""
    if any(members.get(_RUN_ON) == "folderOpen" for _, members in objects_in(document)):
        yield ScriptFacts(subject=subject, interpreter="VS Code when the folder is opened")
    if not isinstance(document, dict):
        return
    name = subject.name.lower()
    if name in _CONTAINERS and any(document.get(key) for key in _CONTAINER_COMMANDS):
        runner = "an editor when it opens the folder in a container"
        yield ScriptFacts(subject=subject, interpreter=runner)
    scripts = document.get(_SCRIPTS)
    if name == _PACKAGE and isinstance(scripts, dict) and any(map(scripts.get, _HOOKS)):
        yield ScriptFacts(subject=subject, interpreter="npm when the folder is installed")


def build_programs_in(subject: Subject, text: str) -> Iterator[ScriptFacts]:
    """
    Yield what builds a Python package of the folder: code of the folder itself, or a package.

    A package runs on request, and as what it is; code of the folder is the model's own. A file
    that cannot be read counts as the latter.
    """
    builds, own = _project(text) if subject.name.lower() == "pyproject.toml" else _setup_cfg(text)
    if builds or own:
        yield ScriptFacts(subject=subject, interpreter=_PIP, on_request=not own)


def _project(text: str) -> tuple[bool, bool]:
    """Return whether a package is built, and whether by code of the folder (PEP 517)."""
    try:
        build = tomllib.loads(text).get("build-system")
    except (ValueError, RecursionError):  # also for numbers of too many digits
        return True, True
    if not isinstance(build, dict):
        return build is not None, build is not None
    return "build-backend" in build, "backend-path" in build


def _setup_cfg(text: str) -> tuple[bool, bool]:
    """Return whether a package is built, and whether with commands of the folder's own."""
    settings = configparser.RawConfigParser(strict=False)
    try:
        settings.read_string(text)
    except configparser.Error:
        return True, True
    own = any(
        option.replace("-", "_") in {"cmdclass", "setup_hooks"}
        for section in settings.sections()
        for option in settings.options(section)
    )
    return settings.has_section("metadata") or settings.has_section("options"), own
