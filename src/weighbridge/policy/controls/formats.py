"""Control `formats`: which formats may occur, and which of those that can execute."""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.artifact import Carries, EntryRole, FileEntry, FileFormat, carries
from weighbridge.core.codes import Code
from weighbridge.core.verdict import Reason
from weighbridge.policy.controls.interface import Submission
from weighbridge.policy.reasons import denied, undecided
from weighbridge.policy.rule import FormatControl

HARMLESS: Final = frozenset({Carries.DATA, Carries.CONFIGURATION})
"""What a file may carry that is not there to be executed."""

_WHY: Final = {
    Carries.CODE: "can make its loader execute code",
    Carries.CONTAINER: "holds other files, which may be anything",
    Carries.UNKNOWN: "is not recognised",
}


def check(submission: Submission) -> Iterator[Reason]:
    """Give a reason for every file whose format the rule does not admit."""
    control = submission.rule.formats
    for entry in submission.entries:
        if entry.format is None:
            message = "the format was not determined"
            yield undecided(Code.EVIDENCE_INCOMPLETE, message, path=entry.path)
        elif entry.role is not EntryRole.MODEL:
            yield from _check_companion(entry, entry.format)
        else:
            yield from _check_model_file(entry, entry.format, control)


def _check_companion(entry: FileEntry, file_format: FileFormat) -> Iterator[Reason]:
    """Signatures and claims are outside every signature, so they must not be anything else."""
    if carries(file_format) not in HARMLESS:
        message = f"called a {entry.role} file, but the content is {file_format}"
        yield denied(Code.FORMAT_REFUSED, message, path=entry.path)


def _check_model_file(
    entry: FileEntry, file_format: FileFormat, control: FormatControl
) -> Iterator[Reason]:
    if file_format in control.deny:
        message = f"the rule denies the format {file_format}"
        yield denied(Code.FORMAT_REFUSED, message, path=entry.path)
    elif control.allow is not None and file_format not in control.allow:
        message = f"the rule does not allow the format {file_format}"
        yield denied(Code.FORMAT_REFUSED, message, path=entry.path)
    elif (
        control.deny_executable
        and carries(file_format) not in HARMLESS
        and file_format not in control.verbatim
    ):
        message = (
            f"the format {file_format} {_WHY[carries(file_format)]}; "
            f'"{file_format}" in formats.allow would admit it'
        )
        yield denied(Code.FORMAT_EXECUTABLE, message, path=entry.path)
