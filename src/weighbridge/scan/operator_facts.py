"""Facts about operators that a saved program calls, shared by the formats that hold programs."""

from collections.abc import Iterable

from weighbridge.core.codes import Code
from weighbridge.core.limits.records import MAX_NAMED_PROBLEMS
from weighbridge.core.values import frozen
from weighbridge.scan.interface import Analysis, Facts, Subject
from weighbridge.scan.operators import find_standing


@frozen
class OperatorUse:
    """
    A place where a program refers to an operator.

    Attributes:
        name: `namespace::name`; without a namespace a method of that name.
        text: As it stands in the program.
        offset: Where, in bytes or characters; None where the program has no such place.
    """

    name: str
    text: str
    offset: int | None


@frozen
class OperatorFacts(Facts):
    """
    What a program refers to that is not known to do nothing but compute.

    Attributes:
        harmful: With what it does, each operator once.
        handed_on: Places where the program takes a namespace of operators for a value, so that
            operators can be reached that it does not name.
    """

    harmful: tuple[tuple[OperatorUse, str], ...]
    handed_on: tuple[OperatorUse, ...]


def judge_operators(
    subject: Subject, uses: Iterable[OperatorUse], handed_on: tuple[OperatorUse, ...] = ()
) -> Analysis:
    """Yield the harmful ones among *uses* as facts, and a gap about those that nobody knows."""
    harmful: dict[str, tuple[OperatorUse, str]] = {}
    unknown: dict[str, OperatorUse] = {}
    for use in uses:
        standing = find_standing(use.name)
        if standing is None:
            unknown.setdefault(use.name, use)
        elif standing.harm is not None:
            harmful.setdefault(use.name, (use, standing.harm))
    if harmful or handed_on:
        yield OperatorFacts(subject=subject, harmful=tuple(harmful.values()), handed_on=handed_on)
    if unknown:
        names = sorted(unknown)
        more = len(names) - MAX_NAMED_PROBLEMS
        listed = ", ".join(names[:MAX_NAMED_PROBLEMS]) + (f" and {more} more" if more > 0 else "")
        reason = f"operators that this version does not know: {listed}"
        yield subject.gap(reason, code=Code.SCAN_UNSUPPORTED)
