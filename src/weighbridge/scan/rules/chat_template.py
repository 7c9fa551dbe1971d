"""Rule `chat-template`: a chat template does more than format text."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final, NamedTuple

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.template_review import DUNDER, Concern, Kind, review
from weighbridge.scan.templates import TemplateFacts


class _Judgement(NamedTuple):
    """What a kind of concern means, and how grave it is."""

    message: str
    severity: Severity = Severity.HIGH
    confidence: Confidence = Confidence.HIGH


_JUDGEMENTS: Final = {
    Kind.INTERNALS: _Judgement("the template reaches for Python internals"),
    Kind.PRIVATE: _Judgement("the template reaches for private attributes"),
    Kind.COMPUTED_ATTRIBUTE: _Judgement("the template takes attributes by computed names"),
    Kind.OBJECT: _Judgement(
        "the template uses an object known as a way to Python internals",
        confidence=Confidence.MEDIUM,
    ),
    Kind.SYSTEM: _Judgement("the template calls into the system"),
    Kind.STRING: _Judgement("the template names Python internals in a string"),
    Kind.LOAD: _Judgement("the template loads another template"),
    Kind.FORMAT: _Judgement(
        "the template looks up attributes by the text that it formats", Severity.MEDIUM
    ),
    Kind.COMPUTED_KEY: _Judgement(
        "the template takes an item by a name that it puts together",
        Severity.MEDIUM,
        Confidence.LOW,
    ),
    Kind.SPELLED: _Judgement(
        "the template spells out what nobody is to read", Severity.MEDIUM, Confidence.MEDIUM
    ),
    Kind.ENDLESS: _Judgement(
        "rendering the template takes time or memory without a sensible bound",
        Severity.MEDIUM,
        Confidence.MEDIUM,
    ),
    Kind.RAW: _Judgement(
        "the template names Python internals in text that another renderer may read",
        Severity.MEDIUM,
        Confidence.LOW,
    ),
}
_SUSPICIOUS: Final = re.compile(rf"{DUNDER.pattern}|\|\s*attr\b|\.\s*(?:popen|system)\s*\(")


class ChatTemplate(Rule[TemplateFacts]):
    """A chat template does more than format text."""

    id: ClassVar[str] = "chat-template"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = TemplateFacts

    def check(self, facts: TemplateFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        if facts.problem is not None:
            yield _unreadable(facts, facts.problem)
        seen: set[tuple[Kind, str]] = set()
        for concern in review(facts.body):
            if (concern.kind, concern.text) not in seen:
                seen.add((concern.kind, concern.text))
                yield _match(facts.where, concern)


def _match(where: str, concern: Concern) -> Match:
    """Return the match for one concern."""
    judgement = _JUDGEMENTS[concern.kind]
    return Match(
        message=judgement.message,
        severity=judgement.severity,
        confidence=judgement.confidence,
        evidence=(f"{where}, character {concern.offset}: {concern.text}",),
    )


def _unreadable(facts: TemplateFacts, problem: str) -> Match:
    """
    Return the match for a template that does not parse.

    Renderers differ in what they accept, so what such a template would do is not known.
    """
    suspicious = _SUSPICIOUS.search(facts.text)
    evidence = f"{facts.where}: {suspicious.group() if suspicious else problem}"
    return Match(
        message="the template cannot be read to its end, so what it would do is not known",
        severity=Severity.HIGH if suspicious else Severity.MEDIUM,
        evidence=(evidence,),
    )
