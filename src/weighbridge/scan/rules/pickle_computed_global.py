"""A pickle that computes what it imports or calls, so that nobody can tell before it runs."""

from collections.abc import Iterator

from weighbridge.core.evidence import Severity
from weighbridge.formats.pickle.render import render
from weighbridge.scan.allowlist import find_entry
from weighbridge.scan.interface import Match, Rule
from weighbridge.scan.pickle_facts import PickleFacts, member_of


class PickleComputedGlobal(Rule[PickleFacts]):
    """No pickler writes this: names in a pickle are constants."""

    id = "pickle-computed-global"
    severity = Severity.CRITICAL
    consumes = PickleFacts

    def check(self, facts: PickleFacts, /) -> Iterator[Match]:
        """Yield computed names, then calls of what is no constant name."""
        for node in facts.summary.computed:
            yield Match(
                message="Unpickling imports a name that the file computes while it is loaded.",
                offset=facts.at(node.offset),
                evidence=(render(node),),
            )
        for call in facts.summary.indirect_calls:
            if find_entry(member_of(call.callable) or "") is not None:
                continue  # a constant name, though taken with getattr: `pickle-argument` judges it
            yield Match(
                message="Unpickling calls something that the file computes while it is loaded.",
                offset=facts.at(call.offset),
                evidence=(render(call),),
            )
