"""Load: hold every byte while it is hashed, judge what is held, give out nothing else."""

from pathlib import Path

from weighbridge.core.artifact import Inventory
from weighbridge.core.errors import PolicyDeniedError, PolicyIndeterminateError
from weighbridge.core.verdict import Decision, Verdict
from weighbridge.inventory.progress import Progress
from weighbridge.load.artifact import VerifiedArtifact
from weighbridge.load.held import HeldFiles, HoldingSink
from weighbridge.pipeline.check import DEFAULT_BOUNDARY, Examination
from weighbridge.policy.schema import Policy
from weighbridge.sources.local import locate


def load(
    reference: str | Path,
    *,
    policy: Policy,
    boundary: str = DEFAULT_BOUNDARY,
    progress: Progress | None = None,
) -> VerifiedArtifact:
    """
    Return the artifact's verified bytes, if *policy* allows it at *boundary*.

    Each file is read once, into memory that cannot be changed any more; what was read there is
    hashed, scanned, compared with the signature and given out. The path is not opened again, so
    nothing that happens to it during or after the load matters.

    Raises:
        PolicyDeniedError: The verdict is deny; `verdict` has the reasons.
        PolicyIndeterminateError: The evidence does not suffice; `verdict` has the reasons.
        UsageError, NothingToCheckError, KeyRejectedError, OperationError: As for `check`.
    """
    handle = locate(reference)
    sink = HoldingSink()
    examination = Examination(handle, policy, boundary=boundary, progress=progress)
    held: HeldFiles | None = None

    def contents(inventory: Inventory) -> HeldFiles:
        """Give the scanner the bytes that the inventory hashed, once all are there."""
        nonlocal held
        del inventory
        held = sink.finish()
        return held

    try:
        verdict = examination.run(sink=sink, contents=contents)
        _require_allow(verdict)
        return VerifiedArtifact(verdict, held or sink.finish())
    except BaseException:
        (held or sink.finish()).close()
        raise


def _require_allow(verdict: Verdict) -> None:
    match verdict.decision:
        case Decision.ALLOW:
            return
        case Decision.DENY:
            raise PolicyDeniedError(verdict)
        case Decision.INDETERMINATE:
            raise PolicyIndeterminateError(verdict)
