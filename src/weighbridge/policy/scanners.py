"""Other scanners that a policy asks: the entries `[scanner.NAME]`, and those known by name."""

import re
from enum import StrEnum
from pathlib import PurePosixPath, PureWindowsPath
from typing import Final

from weighbridge.core.values import frozen
from weighbridge.policy.rule_reader import REMOTE_CODE_PREFIX
from weighbridge.policy.table import Table, quote

PATH_PLACE: Final = "{path}"
"""Stands in a command for the artifact's path."""

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_OURS: Final = "weighbridge"
_DEFAULT_EXIT_CODES: Final = (0, 1)
_MAX_EXIT_CODE: Final = 255


class ScannerAdapter(StrEnum):
    """Who reads what the scanner says."""

    CLAMDSCAN = "clamdscan"
    CLAMSCAN = "clamscan"
    MODELSCAN = "modelscan"
    PICKLESCAN = "picklescan"
    SARIF = "sarif"


KNOWN: Final = frozenset(a.value for a in ScannerAdapter if a is not ScannerAdapter.SARIF)
"""Scanners that need no entry: they are looked for on PATH."""


@frozen
class ScannerEntry:
    """
    How one scanner is run.

    Attributes:
        name: Name of the entry, and of the scanner's findings.
        adapter: Who reads what it says.
        command: The program's absolute path and arguments.
        exit_codes: Those that say that a run came to its end; only for reports in SARIF.
    """

    name: str
    adapter: ScannerAdapter
    command: tuple[str, ...]
    exit_codes: tuple[int, ...] = _DEFAULT_EXIT_CODES


def read_scanner(table: Table) -> ScannerEntry | None:
    """Read one `[scanner.NAME]`; None where problems were recorded."""
    name = table.key
    if _NAME.fullmatch(name) is None:
        table.problem("a scanner's name has 1 to 32 of a-z 0-9 -, starting with a letter")
    elif name == _OURS or name.startswith(REMOTE_CODE_PREFIX):
        table.problem("the name would be taken for this scanner's own")
    adapter = table.choice("adapter", ScannerAdapter, default=None)
    command = table.words("command")
    codes = table.integers("exit-codes", default=_DEFAULT_EXIT_CODES, least=0, most=_MAX_EXIT_CODE)
    table.finish()
    if command and not _is_absolute(command[0]):
        message = f"'command': {quote(command[0])} is not an absolute path"
        table.problem(message, key="command", index=0)
    if adapter is ScannerAdapter.SARIF:
        if not any(PATH_PLACE in word for word in command[1:]):
            table.problem("'command': no argument has {path}, the model's place", key="command")
    elif table.has("exit-codes"):
        message = "'exit-codes' has a meaning only with adapter = \"sarif\""
        table.problem(message, key="exit-codes")
    if adapter is None or not command:
        return None
    return ScannerEntry(name=name, adapter=adapter, command=command, exit_codes=codes)


def _is_absolute(path: str) -> bool:
    return PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()
