"""Rule `shard-index-path`: a shard index points at files that it should not."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.configuration import ShardMapFacts
from weighbridge.scan.interface import Facts, Match, Rule


class ShardIndexPath(Rule[ShardMapFacts]):
    """A shard index points at files that it should not."""

    id: ClassVar[str] = "shard-index-path"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = ShardMapFacts

    def check(self, facts: ShardMapFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        if not isinstance(facts.value, dict):
            yield Match(message="the weight map is no table of names and files")
            return
        seen: set[str] = set()
        for target in facts.value.values():
            name = target if isinstance(target, str) else repr(target)
            if name not in seen:
                seen.add(name)
                yield from _check_target(facts, name)


def _check_target(facts: ShardMapFacts, name: str) -> Iterator[Match]:
    """Yield what speaks against one file of the map."""
    parts = name.split("/")
    if ".." in parts or name.startswith("/") or "\\" in name or ":" in name or "\0" in name:
        yield Match(
            message="the shard index points outside the model",
            evidence=(name,),
        )
        return
    index = facts.subject.name
    if ".safetensors." in index and not name.endswith(".safetensors"):
        yield Match(
            message="a safetensors index points at a file that is loaded as something else",
            severity=Severity.MEDIUM,
            evidence=(name,),
        )
    folder = facts.subject.path.rpartition("/")[0]
    path = f"{folder}/{name}" if folder else name
    if facts.subject.member is None and path not in facts.subject.siblings:
        yield Match(
            message="the shard index names a file that is not there",
            severity=Severity.LOW,
            evidence=(name,),
        )
