"""A pickle that refers to something known to be harmful."""

from collections.abc import Iterator

from weighbridge.core.evidence import Severity
from weighbridge.formats.pickle.render import render
from weighbridge.scan.denylist import find_effect
from weighbridge.scan.interface import Match, Rule
from weighbridge.scan.pickle_facts import PickleFacts, belongs_to_program
from weighbridge.scan.pickle_needs import is_listed


class PickleDangerousGlobal(Rule[PickleFacts]):
    """
    Critical: the name's effect is known.

    To import it is enough: what is called or stored under another name is not looked for.
    """

    id = "pickle-dangerous-global"
    severity = Severity.CRITICAL
    consumes = PickleFacts

    def check(self, facts: PickleFacts, /) -> Iterator[Match]:
        """Yield each harmful name once, with the first call of it."""
        for name, node in facts.summary.names.items():
            effect = find_effect(node.module, node.name)
            if effect is None or is_listed(node):
                continue
            if belongs_to_program(facts.dialect, node):
                continue
            call = facts.summary.first_calls.get(name)
            yield Match(
                message=f"Unpickling {'calls' if call else 'imports'} {name}, which {effect}.",
                offset=facts.at((call or node).offset),
                evidence=(render(call or node), name),
            )
