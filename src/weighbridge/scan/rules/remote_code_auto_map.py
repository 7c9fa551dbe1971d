"""Rule `remote-code-auto-map`: a configuration names Python code that loading it would import."""

from collections.abc import Iterator
from typing import ClassVar

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.formats.json import JsonValue
from weighbridge.scan.configuration import AutoMapFacts
from weighbridge.scan.interface import Facts, Match, Rule


class RemoteCodeAutoMap(Rule[AutoMapFacts]):
    """A configuration names Python code that loading it would import."""

    id: ClassVar[str] = "remote-code-auto-map"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = AutoMapFacts

    def check(self, facts: AutoMapFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        references = tuple(_references(facts.value))
        foreign = tuple(reference for reference in references if "--" in reference)
        if foreign:
            yield Match(
                message=f"`{facts.key}` names code of another repository, covered by nothing here",
                evidence=tuple(f"{facts.where}: {reference}" for reference in foreign),
            )
        elif references:
            yield Match(
                message=f"`{facts.key}` names code that runs when remote code is trusted",
                evidence=tuple(f"{facts.where}: {reference}" for reference in references),
            )


def _references(value: JsonValue) -> Iterator[str]:
    """
    Yield the references to code, `module.Class` or `owner/repository--module.Class`.

    They stand alone, in lists (of a slow and a fast tokenizer) and as the `impl` of a custom
    pipeline. Any other string is taken for a reference: a framework may do so too.
    """
    rest = [value]
    while rest:
        match rest.pop():
            case str() as text if text:
                yield text
            case list() as items:
                rest.extend(items)
            case {"impl": implementation}:
                rest.append(implementation)
            case dict() as members:
                rest.extend(members.values())
            case _:
                continue
