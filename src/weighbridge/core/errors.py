"""
The one tree of errors.

::

    WeighbridgeError                 never raised itself
    +-- UsageError                   the caller's mistake                          exit 2
    +-- NothingToCheckError          the reference holds no file                   exit 3
    +-- OperationError               the machine's or the installation's fault     exit 1
    |   +-- MissingExtraError        an optional package is not installed
    |   +-- StoreError               the content-addressed store cannot be used
    +-- RefusedError                 the input is hostile, broken or not trusted   exit 10
    |   +-- ArtifactRefusedError     the files themselves cannot be accounted for
    |   +-- SignatureRejectedError   a signature or what it covers does not hold
    |   +-- ClaimError               a statement about a model cannot be read
    |   +-- KeyRejectedError         a key or certificate file cannot be used
    |   +-- PolicyError              the policy file is not valid
    |   +-- MalformedContentError    bytes that do not follow their format
    |   +-- PolicyDeniedError        the verdict is deny; has the verdict
    |   +-- GuardDeniedError         the guard stopped a load; also a PermissionError
    +-- IndeterminateError           nobody can tell: changed, too large, timed out exit 11
        +-- ArtifactChangedError     a file changed while it was read
        +-- LimitExceededError       a bound of `core.limits` was met
        +-- PolicyIndeterminateError the verdict is indeterminate; has the verdict

Each error knows its stable `Code`, where it happened, what was expected, what was found and
what to do. A dependency's exception never leaves the adapter that met it.
"""

import errno
from typing import TYPE_CHECKING, ClassVar, Final

from weighbridge.core.codes import Code

if TYPE_CHECKING:
    # Processes that never see a verdict have errors, too.
    from weighbridge.core.verdict import Verdict


class WeighbridgeError(Exception):
    """
    Root of the tree; never raised itself.

    Args:
        message: What went wrong, one sentence without a final period.
        code: Stable code; the default is the class's.
        where: The file, field or place the message is about.
        expected: What would have been right.
        found: What was there instead. Untrusted text: rendered escaped.
        hint: What to do next.
    """

    exit_code: ClassVar[int] = 1
    default_code: ClassVar[Code] = Code.INTERNAL

    def __init__(
        self,
        message: str,
        *,
        code: Code | None = None,
        where: str | None = None,
        expected: str | None = None,
        found: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message: Final = message
        self.code: Final = code or self.default_code
        self.where: Final = where
        self.expected: Final = expected
        self.found: Final = found
        self.hint: Final = hint

    def __str__(self) -> str:
        return f"{self.told()} [{self.code}]"

    def told(self, *, at: str | None = None) -> str:
        """Return what is wrong, for what names the code, and maybe the place *at*, by itself."""
        # The message alone may have lines of its own: a list of problems.
        place = f"{one_line(self.where)}: " if self.where and self.where != at else ""
        parts = [place, printable(self.message)]
        if self.expected is not None:
            parts.append(f": expected {one_line(self.expected)}")
        if self.found is not None:
            parts.append(", found " if self.expected is not None else ": found ")
            parts.append(one_line(self.found))
        if self.hint:
            parts.append(f"{'' if parts[-1].endswith('?') else '.'} {one_line(self.hint)}")
        return "".join(parts)


class UsageError(WeighbridgeError):
    """The caller asked for something that cannot be meant."""

    exit_code = 2
    default_code = Code.USAGE


class NothingToCheckError(WeighbridgeError):
    """The reference exists and holds no file; empty input never passes."""

    exit_code = 3
    default_code = Code.NOTHING_TO_CHECK


class OperationError(WeighbridgeError):
    """The machine, the file system or the installation does not allow the operation."""

    exit_code = 1
    default_code = Code.IO_FAILED


class MissingExtraError(OperationError):
    """An optional package is needed; the hint is the exact install command."""

    default_code = Code.EXTRA_MISSING

    @classmethod
    def for_extra(cls, extra: str, *, purpose: str) -> "MissingExtraError":
        """Build the error for the extra *extra*, needed for *purpose*."""
        return cls(
            f"{purpose} needs the optional packages of the extra '{extra}'",
            hint=f"Run: pip install 'weighbridge[{extra}]'",
        )


class IsolationError(OperationError):
    """What a program was to be kept to cannot be enforced here; it was not run."""

    default_code = Code.ISOLATION_UNAVAILABLE


class StoreError(OperationError):
    """The content-addressed store is missing, not private, or holds wrong bytes."""

    default_code = Code.STORE_UNUSABLE


class RefusedError(WeighbridgeError):
    """The input was examined and is not acceptable."""

    exit_code = 10


class ArtifactRefusedError(RefusedError):
    """The artifact has names, links or files that cannot be accounted for."""

    default_code = Code.SPECIAL_FILE


class SignatureRejectedError(RefusedError):
    """A signature does not hold, or does not cover what is on disk."""

    default_code = Code.SIGNATURE_INVALID


class ClaimError(RefusedError):
    """A signed statement is broken, or of a kind that is not read here; it counts for nothing."""

    default_code = Code.CLAIM_MALFORMED


class KeyRejectedError(RefusedError):
    """A key or certificate file is broken or not of a supported kind."""

    default_code = Code.KEY_MALFORMED


class PolicyError(RefusedError):
    """The policy file is not valid; `where` names the file and the line."""

    default_code = Code.POLICY_MALFORMED


class MalformedContentError(RefusedError):
    """Bytes that do not follow the format they claim; the scanner turns it into a gap."""

    default_code = Code.SCAN_MALFORMED


class PolicyDeniedError(RefusedError):
    """The policy denies the artifact; `verdict` has every reason."""

    default_code = Code.POLICY_DENIED

    def __init__(self, verdict: "Verdict") -> None:
        super().__init__("the policy denies this artifact" + _first_reasons(verdict))
        self.verdict: Final = verdict


class GuardDeniedError(RefusedError, PermissionError):
    """
    The guard stopped a load in a framework's own call; a `PermissionError` to the framework.

    `filename` is the file, `errno` is `EACCES`.
    """

    default_code = Code.GUARD_DENIED

    def __init__(
        self,
        message: str,
        *,
        code: Code | None = None,
        where: str | None = None,
        found: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, code=code, where=where, found=found, hint=hint)
        self.errno = errno.EACCES
        self.strerror = message
        self.filename = where


class IndeterminateError(WeighbridgeError):
    """Nobody can tell whether the input is acceptable, so it is not."""

    exit_code = 11
    default_code = Code.LIMIT_EXCEEDED


class ArtifactChangedError(IndeterminateError):
    """A file changed, appeared or vanished while it was being read."""

    default_code = Code.FILE_CHANGED


class LimitExceededError(IndeterminateError):
    """A bound of `core.limits` was met."""

    default_code = Code.LIMIT_EXCEEDED


class PolicyIndeterminateError(IndeterminateError):
    """The evidence does not suffice for a decision; `verdict` has every reason."""

    default_code = Code.POLICY_INDETERMINATE

    def __init__(self, verdict: "Verdict") -> None:
        super().__init__("the evidence does not suffice" + _first_reasons(verdict))
        self.verdict: Final = verdict


def printable(text: str) -> str:
    """
    Return *text* with control, format and lone surrogate characters escaped for a terminal.

    Line breaks stay: for text of our own. Untrusted text goes through `one_line`.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def one_line(text: str) -> str:
    """Return untrusted *text* as `printable`, with line breaks escaped: it cannot fake a line."""
    return printable(text).replace("\n", "\\n")


def _first_reasons(verdict: "Verdict", *, limit: int = 3) -> str:
    """Summarise the first *limit* reasons that speak against *verdict*'s artifact."""
    against = [r for r in verdict.reasons if r.blocking]
    # The only file of an artifact is called `.` in it, and by the artifact's name by people.
    whole = None if verdict.artifact is None else verdict.artifact.name
    named = ((whole if r.path == "." else r.path, r.message) for r in against[:limit])
    lines = [one_line(f"{path}: {message}" if path else message) for path, message in named]
    if len(against) > limit:
        lines.append(f"and {len(against) - limit} more")
    return ": " + "; ".join(lines) if lines else ""
