"""Building, ordering and counting of the reasons in a verdict."""

from collections.abc import Iterable
from itertools import groupby
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.evidence import Severity
from weighbridge.core.limits.policy import MAX_REASONS_PER_CODE
from weighbridge.core.verdict import Decision, Reason

_GRAVEST_FIRST: Final = (Decision.DENY, Decision.INDETERMINATE, Decision.ALLOW)


def allowed(message: str) -> Reason:
    """Return the one reason that speaks for the artifact; nothing else can have its code."""
    return Reason(
        code=str(Code.ALLOWED), severity=None, path=None, message=message, decision=Decision.ALLOW
    )


def denied(
    code: Code | str, message: str, *, path: str | None = None, severity: Severity = Severity.HIGH
) -> Reason:
    """Return a reason to deny."""
    return Reason(
        code=_code(code), severity=severity, path=path, message=message, decision=Decision.DENY
    )


def undecided(
    code: Code | str, message: str, *, path: str | None = None, severity: Severity = Severity.MEDIUM
) -> Reason:
    """Return a reason why nobody can tell."""
    return Reason(
        code=_code(code),
        severity=severity,
        path=path,
        message=message,
        decision=Decision.INDETERMINATE,
    )


def noted(
    code: Code | str,
    message: str,
    *,
    path: str | None = None,
    severity: Severity | None = Severity.LOW,
) -> Reason:
    """Return a reason that is reported and does not stand in the way."""
    return Reason(
        code=_code(code), severity=severity, path=path, message=message, decision=Decision.ALLOW
    )


def decide(reasons: Iterable[Reason]) -> Decision:
    """
    Return the gravest decision among *reasons*.

    Allow needs a reason with the code `allowed`: without it nobody can tell.
    """
    given = tuple(reasons)
    decisions = {reason.decision for reason in given}
    if Decision.DENY in decisions:
        return Decision.DENY
    if Decision.INDETERMINATE in decisions or all(r.code != Code.ALLOWED for r in given):
        return Decision.INDETERMINATE
    return Decision.ALLOW


def arrange(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """
    Return *reasons* without duplicates, gravest first.

    The order of the input has no effect. Of each code, decision and severity there are at most
    `MAX_REASONS_PER_CODE`, then one reason that says how many more.
    """
    arranged: list[Reason] = []
    ordered = sorted(set(reasons), key=_order)
    for (_, code, decision), group in groupby(
        ordered, key=lambda r: (_rank(r), r.code, r.decision)
    ):
        members = list(group)
        arranged.extend(members[:MAX_REASONS_PER_CODE])
        rest = members[MAX_REASONS_PER_CODE:]
        if rest:
            arranged.append(
                Reason(
                    code=code,
                    severity=rest[0].severity,
                    path=None,
                    message=f"and {len(rest)} more of this kind",
                    decision=decision,
                )
            )
    return tuple(arranged)


def _code(code: Code | str) -> str:
    """Return *code*; evidence that bears the code `allowed` does not get to speak with it."""
    return str(Code.EVIDENCE_INCOMPLETE if code == Code.ALLOWED else code)


def _rank(reason: Reason) -> tuple[int, int]:
    severity = -1 if reason.severity is None else reason.severity.rank
    return _GRAVEST_FIRST.index(reason.decision), -severity


def _order(reason: Reason) -> tuple[int, int, str, str, str]:
    return (*_rank(reason), reason.code, reason.path or "", reason.message)
