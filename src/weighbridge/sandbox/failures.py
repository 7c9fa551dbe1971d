"""What becomes of a result when the confined process that was to make it does not: an error."""

from weighbridge.core.codes import Code
from weighbridge.core.errors import IndeterminateError, LimitExceededError, MalformedContentError


def took_too_long(where: str, *, found: str | None = None) -> LimitExceededError:
    """Build the error for a process whose time was over."""
    return LimitExceededError(
        "the confined process did not end in time, and was ended",
        code=Code.ISOLATED_TIMEOUT,
        where=where,
        found=found,
    )


def ended(where: str, *, found: str, hint: str | None = None) -> IndeterminateError:
    """Build the error for a process that ended, as *found* says, without an answer."""
    return IndeterminateError(
        "the confined process ended without an answer",
        code=Code.ISOLATED_ENDED,
        where=where,
        found=found,
        hint=hint,
    )


def no_answer(where: str, *, found: str) -> MalformedContentError:
    """Build the error for a process that answered what our own code never answers."""
    return MalformedContentError(
        "the confined process handed back what is not of the form",
        code=Code.ISOLATED_MALFORMED,
        where=where,
        found=found,
        hint="Take the file for hostile, unless it is a mistake of ours: then please report it",
    )
