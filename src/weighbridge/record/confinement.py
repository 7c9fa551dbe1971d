"""What the processes were kept to that read hostile files, for people."""

from weighbridge.core.errors import one_line
from weighbridge.sandbox.interface import Confinement, Measure


def missing_confinement(kept: Confinement | None, /, *, what: str) -> str | None:
    """
    Return what the processes were not kept to; None where nothing is missing.

    Args:
        kept: What they were kept to.
        what: What they did, as the beginning of a sentence: "Examined".
    """
    if kept is None or kept.is_complete:
        return None
    if not kept.enforced:
        return f"{what} without confinement, which this system does not have"
    reasons = dict(kept.refused)
    missing = sorted(frozenset(Measure) - kept.enforced)
    named = ", ".join(f"{each} ({one_line(reasons.get(each, 'refused'))})" for each in missing)
    return f"{what} with less confinement than usual; the system refuses: {named}"
