"""Rule `xml-entity`: reading a document fetches something or fills the memory."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import ClassVar, Final

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.analyzers.markup import EntityKind, XmlEntityFacts
from weighbridge.scan.interface import Facts, Match, Rule

_MESSAGES: Final = MappingProxyType(
    {
        EntityKind.EXTERNAL: "an XML reader would open what the document names",
        EntityKind.PARAMETER: "the document builds its own declarations, as attacks on readers do",
        EntityKind.EXPANSION: "an XML reader would write entities out over and over",
        EntityKind.INCLUSION: "an XML reader would include what the document names",
    }
)


class XmlEntity(Rule[XmlEntityFacts]):
    """Reading a document fetches something or fills the memory."""

    id: ClassVar[str] = "xml-entity"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = XmlEntityFacts

    def check(self, facts: XmlEntityFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        yield Match(message=_MESSAGES[facts.kind], evidence=(facts.text,))
