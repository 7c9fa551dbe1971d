"""A pickle that changes a class, a function or a module instead of an object of its own."""

from collections.abc import Iterator

from weighbridge.core.evidence import Severity
from weighbridge.formats.pickle.render import render
from weighbridge.formats.pickle.values import CallNode
from weighbridge.scan.interface import Match, Rule
from weighbridge.scan.pickle_facts import PickleFacts


class PicklePatchedReference(Rule[PickleFacts]):
    """BUILD, SETITEM or APPEND on a reference is a monkey patch of the loading program."""

    id = "pickle-patched-reference"
    severity = Severity.CRITICAL
    consumes = PickleFacts

    def check(self, facts: PickleFacts, /) -> Iterator[Match]:
        """Yield each change to anything but the result of a call of a constant name."""
        for change in facts.summary.changes:
            target = change.target
            if isinstance(target, CallNode) and target.target is not None:
                continue
            shown = ", ".join(render(item, limit=120) for item in change.items[:4])
            yield Match(
                message=f"Unpickling changes ({change.kind}) {render(target, limit=80)}, which "
                "the file did not make.",
                offset=facts.at(change.offset),
                evidence=(f"{render(target)} {change.kind} {shown}",),
            )
