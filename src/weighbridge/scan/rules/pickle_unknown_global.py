"""A pickle that refers to something that nobody has found to be safe."""

from collections.abc import Iterator

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.formats.pickle.render import render
from weighbridge.scan.denylist import find_effect
from weighbridge.scan.interface import Match, Rule
from weighbridge.scan.pickle_facts import PickleFacts, belongs_to_program
from weighbridge.scan.pickle_needs import is_listed


class PickleUnknownGlobal(Rule[PickleFacts]):
    """Default deny: the import alone runs the module's code."""

    id = "pickle-unknown-global"
    severity = Severity.HIGH
    confidence = Confidence.MEDIUM
    consumes = PickleFacts

    def check(self, facts: PickleFacts, /) -> Iterator[Match]:
        """
        Yield each unlisted name once, with the first call of it.

        The last line of the evidence is the name alone: policies approve files by it.
        """
        for name, node in facts.summary.names.items():
            if belongs_to_program(facts.dialect, node):
                continue
            if is_listed(node) or find_effect(node.module, node.name) is not None:
                continue
            call = facts.summary.first_calls.get(name)
            yield Match(
                message=f"Unpickling {'calls' if call else 'imports'} {name}, "
                "which is not on the allow-list.",
                offset=facts.at((call or node).offset),
                evidence=(render(call or node), name),
            )
