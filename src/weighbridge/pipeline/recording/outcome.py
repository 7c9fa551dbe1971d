"""What it takes for a step to be claimed at all."""

import signal

from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactRefusedError,
    IndeterminateError,
    OperationError,
    one_line,
)
from weighbridge.pipeline.recording.undeclared import Undeclared
from weighbridge.sandbox.steps.interface import StepReport

_SHOWN = 5


def require_success(report: StepReport, /, *, command: str, isolated: bool) -> None:
    """
    Refuse a step that did not end well, or of which something runs on.

    Raises:
        OperationError: It says how the step ended.
    """
    if report.failure is not None:
        raise OperationError(
            "the command could not be run",
            code=Code.ISOLATION_UNAVAILABLE if isolated and not report.enforced else None,
            where=command,
            found=report.failure,
            hint="Leave out --isolated, or run it where the kernel has Landlock and seccomp"
            if isolated and not report.enforced
            else None,
        )
    if report.exit_code != 0:
        raise OperationError(
            "the step failed, and no claim was made",
            code=Code.STEP_FAILED,
            where=command,
            found=_ending(report),
        )
    if report.stubborn:
        raise OperationError(
            "the step left processes behind that cannot be ended, and no claim was made",
            code=Code.STEP_FAILED,
            where=command,
            hint="End them; whatever runs on can still change the output",
        )


def require_seen(report: StepReport, seen: Undeclared | None, /, *, strict: bool) -> None:
    """
    Refuse a strict step that read what nobody declared, or of which nobody saw everything.

    Raises:
        IndeterminateError: Something may have been missed.
        ArtifactRefusedError: It read undeclared files.
    """
    if not strict:
        return
    if seen is not None and seen.paths:
        shown = [one_line(seen.name(path)) for path in seen.paths[:_SHOWN]]
        more = len(seen.paths) - len(shown)
        raise ArtifactRefusedError(
            "the step read files that were not declared, and no claim was made",
            code=Code.INPUT_UNDECLARED,
            found=", ".join(shown) + (f" and {more} more" if more else ""),
            hint="Declare them with --input, or with --allow-read where they are no inputs",
        )
    observation = report.observation
    if observation is None or observation.blind:
        reasons = (
            observation.blind if observation is not None else (report.unobserved or "unknown",)
        )
        raise IndeterminateError(
            "nobody can tell whether the step read undeclared files, and no claim was made",
            code=Code.STEP_UNOBSERVED,
            found="; ".join(map(one_line, reasons)),
            hint="Leave out --strict, or run the step where it can be observed",
        )


def _ending(report: StepReport) -> str:
    if report.signal is None:
        return f"exit code {report.exit_code}"
    try:
        return f"it was ended by {signal.Signals(report.signal).name}"
    except ValueError:
        return f"it was ended by signal {report.signal}"
