"""A pickle that refers to the extension registry of whoever loads it."""

from collections.abc import Iterator

from weighbridge.core.evidence import Severity
from weighbridge.scan.interface import Match, Rule
from weighbridge.scan.pickle_facts import PickleFacts


class PickleExtensionRegistry(Rule[PickleFacts]):
    """EXT1, EXT2 and EXT4 import what the loading program registered under a number."""

    id = "pickle-extension-registry"
    severity = Severity.HIGH
    consumes = PickleFacts

    def check(self, facts: PickleFacts, /) -> Iterator[Match]:
        """Yield each reference."""
        for node in facts.summary.extensions:
            yield Match(
                message=f"Unpickling imports whatever has the number {node.code} in the "
                "extension registry of the program that loads it.",
                offset=facts.at(node.offset),
                evidence=(f"extension {node.code}",),
            )
