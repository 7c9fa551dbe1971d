"""Rule `protobuf-structure`: a message holds what no writer of its format puts into it."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Severity
from weighbridge.core.limits.records import MAX_NAMED_PROBLEMS
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.protobuf_facts import ProtobufFacts


class ProtobufStructure(Rule[ProtobufFacts]):
    """A message holds what no writer of its format puts into it."""

    id: ClassVar[str] = "protobuf-structure"
    severity: ClassVar[Severity] = Severity.MEDIUM
    consumes: ClassVar[type[Facts]] = ProtobufFacts

    def check(self, facts: ProtobufFacts, /) -> Iterator[Match]:
        """Yield one match for all that is odd."""
        if not facts.oddities:
            return
        first = facts.oddities[0]
        more = f", and {facts.count - 1} more" if facts.count > 1 else ""
        yield Match(
            message=f"the message holds {first.kind}{more}; readers differ in what they make of it",
            offset=first.offset,
            evidence=tuple(
                f"{odd.kind}: {odd.message}.{odd.field} at byte {odd.offset}"
                for odd in facts.oddities[:MAX_NAMED_PROBLEMS]
            ),
        )
