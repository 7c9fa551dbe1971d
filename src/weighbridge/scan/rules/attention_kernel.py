"""Rule `attention-kernel`: a configuration fetches its attention code from a hub."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.formats.json import JsonValue
from weighbridge.scan.configuration import AttentionFacts
from weighbridge.scan.interface import Facts, Match, Rule


class AttentionKernel(Rule[AttentionFacts]):
    """A configuration fetches its attention code from a hub."""

    id: ClassVar[str] = "attention-kernel"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = AttentionFacts

    def check(self, facts: AttentionFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        for name in _names(facts.value):
            if "/" in name or ":" in name:
                yield Match(
                    message="the attention implementation is a kernel that is fetched and executed",
                    evidence=(f"{facts.where}: {name}",),
                )


def _names(value: JsonValue) -> Iterator[str]:
    """Yield the implementations: one for all, or one for each part of the model."""
    if isinstance(value, str):
        # `paged|name` selects a way of calling the implementation `name`.
        yield value.rpartition("|")[2]
    elif isinstance(value, dict):
        for each in value.values():
            if isinstance(each, str):
                yield each.rpartition("|")[2]
