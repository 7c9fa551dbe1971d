"""A pickle that gives a listed name something that the name is not listed for."""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from weighbridge.core.evidence import Severity
from weighbridge.core.limits.scanning import MAX_FINDINGS_PER_FILE
from weighbridge.formats.pickle.render import render
from weighbridge.formats.pickle.values import CallNode
from weighbridge.scan.allowlist import find_entry
from weighbridge.scan.interface import Match, Rule
from weighbridge.scan.numpy_types import find_late_types
from weighbridge.scan.pickle_arguments import Judge
from weighbridge.scan.pickle_companions import Companions
from weighbridge.scan.pickle_escapes import find_escapes
from weighbridge.scan.pickle_facts import PickleFacts, member_of
from weighbridge.scan.pickle_sharing import Sharing

_CHECK_TIME_EVERY: Final = 1024
_KEPT: Final = "it is kept as a value, and whatever calls it then may pass it anything"

_LATE: Final = "its state is given to it when something else has it already"


class PickleArgument(Rule[PickleFacts]):
    """Names that models need can be gadgets: what they get is checked against their entry."""

    id = "pickle-argument"
    severity = Severity.HIGH
    consumes = PickleFacts

    def check(self, facts: PickleFacts, /) -> Iterator[Match]:
        """Yield calls, then changes, each reason once for a name."""
        seen: set[tuple[str, str]] = set()
        for name, reason, offset, shown in _refusals(facts):
            if (name, reason) in seen:
                continue
            seen.add((name, reason))
            yield Match(
                message=f"Unpickling uses {name} in a way that is not allowed: {reason}.",
                offset=facts.at(offset),
                evidence=(shown, name),
            )
            if len(seen) >= MAX_FINDINGS_PER_FILE:
                return


def _refusals(facts: PickleFacts) -> Iterator[tuple[str, str, int, str]]:
    """Yield name, reason, offset and rendering of whatever is refused."""
    judge = Judge(Companions(facts.subject, facts.dialect), Sharing(facts.trace))
    for number, call in enumerate(chain(facts.summary.calls, facts.summary.indirect_calls)):
        if not number % _CHECK_TIME_EVERY:
            facts.subject.check_time()
        entry = find_entry(call.target or member_of(call.callable) or "")
        reason = judge.refuse_call(call, entry) if entry is not None else None
        if entry is not None and reason is not None:
            yield entry.name, reason, call.offset, render(call)
    for number, change in enumerate(facts.summary.changes):
        if not number % _CHECK_TIME_EVERY:
            facts.subject.check_time()
        target = change.target
        if not isinstance(target, CallNode) or find_entry(target.target or "") is None:
            continue
        reason = judge.refuse_change(change)
        if reason is not None:
            yield target.target or "", reason, change.offset, render(target)
    for change in find_late_types(facts.trace):
        yield "numpy.dtype", _LATE, change.offset, render(change.target)
    for node in find_escapes(facts):
        yield node.dotted, _KEPT, node.offset, render(node)
