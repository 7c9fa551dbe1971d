"""
XML and HTML: PMML models, OpenVINO topologies, drawings and reports beside weights.

XML is parsed, with no entity expanded and nothing fetched. HTML has no grammar that all readers
keep to, and is searched for what runs in it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.limits.documents import (
    MAX_XML_ENTITY_CHARS,
    MAX_XML_ENTITY_REFERENCES,
    MAX_XML_ODDITIES,
    MAX_XML_WRITTEN_CHARS,
)
from weighbridge.core.values import frozen
from weighbridge.formats.xml import XmlDocument, read_xml
from weighbridge.scan.interface import Analysis, Facts, Subject
from weighbridge.scan.text import read_whole


class EntityKind(StrEnum):
    """What an entity or a document type makes a reader do."""

    EXTERNAL = "external"
    PARAMETER = "parameter"
    EXPANSION = "expansion"
    INCLUSION = "inclusion"


@frozen
class XmlEntityFacts(Facts):
    """
    Something that an XML reader fetches, or writes out many times over.

    Attributes:
        kind: Which of them.
        text: Name, and where it leads.
    """

    kind: EntityKind
    text: str


@frozen
class ActiveMarkupFacts(Facts):
    """
    Script in a document.

    Attributes:
        line: Where it stands, from 1.
        text: Element or attribute.
    """

    line: int
    text: str


@frozen
class ModelExtensionFacts(Facts):
    """
    A part of a model that code outside of the file's format has to provide.

    Attributes:
        line: Where it stands, from 1.
        text: What is asked for.
    """

    line: int
    text: str


_DTD_HOSTS: Final = re.compile(r"https?://(?:www\.)?w3\.org/", re.IGNORECASE)
_SCHEME: Final = re.compile(
    r"[\s\x00-\x20]*(?:(?:java|vb|live)script:|data:text/html)", re.IGNORECASE
)
_LINKS: Final = frozenset({"href", "src", "action", "formaction", "data", "to", "values", "from"})
_ACTIVE: Final = frozenset({"script", "iframe", "object", "embed", "applet", "handler", "listener"})
_HTML_ACTIVE: Final = re.compile(
    rb"<(script|iframe|object|embed|applet|base)\b|[\s\"'/](on[a-z]{3,24})\s*=\s*[\"']?\w"
    rb"|((?:java|vb)script\s*:)|(http-equiv\s*=\s*[\"']?refresh)",
    re.IGNORECASE,
)
_CLASS_NAME: Final = re.compile(r"(?:[A-Za-z_$][\w$]*\.){2,}[A-Za-z_$][\w$]*")
_OPENVINO_SETS: Final = re.compile(r"opset\d{1,3}|experimental|gpu|cpu|ie_internal_opset|util")


def analyze(subject: Subject) -> Analysis:
    """
    Yield what makes a reader fetch, expand or run something.

    Raises:
        MalformedContentError: Not well-formed XML.
        LimitExceededError: Larger or nested deeper than the limits.
    """
    data = read_whole(subject)
    if subject.format is FileFormat.HTML:
        yield from _search_html(subject, data)
        return
    found = _Found(subject=subject)
    document = read_xml(data, element=found.element)
    yield from _entities(subject, document)
    for target, content in document.instructions:
        if target.lower() in {"xml-stylesheet", "php", "jsp"} and "text/css" not in content:
            yield ActiveMarkupFacts(subject=subject, line=1, text=f"<?{target} {content[:100]}?>")
    yield from found.facts


@dataclass(slots=True)
class _Found:
    """Collects what the elements of one document are found to be."""

    subject: Subject
    facts: list[Facts] = field(default_factory=list)
    root: str = ""
    count: int = 0

    def element(self, name: str, attributes: Mapping[str, str], line: int) -> None:
        """Look at one element."""
        self.count += 1
        if not self.count % 1000:
            self.subject.check_time()
        local = name.rpartition(":")[2].lower()
        self.root = self.root or local
        if len(self.facts) >= MAX_XML_ODDITIES:
            return
        if local in _ACTIVE:
            self._active(line, f"<{name}>")
        elif local == "include" and "href" in attributes:
            text = f"<{name} href={attributes['href']}>"
            self.facts.append(
                XmlEntityFacts(subject=self.subject, kind=EntityKind.INCLUSION, text=text)
            )
        for key, value in attributes.items():
            self._attribute(line, key.rpartition(":")[2].lower(), value)
        if self.root == "pmml":
            self._pmml(local, attributes, line)
        elif self.root == "net":
            self._openvino(local, attributes, line)

    def _active(self, line: int, text: str) -> None:
        self.facts.append(ActiveMarkupFacts(subject=self.subject, line=line, text=text))

    def _attribute(self, line: int, key: str, value: str) -> None:
        if (key.startswith("on") and self.root in {"svg", "html"}) or (
            key in _LINKS and _SCHEME.match(value)
        ):
            self._active(line, f"{key}={value[:100]}")

    def _pmml(self, local: str, attributes: Mapping[str, str], line: int) -> None:
        """PMML engines on Java look functions up as classes where their names are such."""
        function = attributes.get("function", "") if local == "apply" else ""
        if _CLASS_NAME.fullmatch(function):
            self._extension(line, f"function {function}")

    def _openvino(self, local: str, attributes: Mapping[str, str], line: int) -> None:
        """OpenVINO takes operations outside its own sets from a library of extensions."""
        version = attributes.get("version", "") if local == "layer" else ""
        if version and not _OPENVINO_SETS.fullmatch(version):
            self._extension(line, f"layer {attributes.get('type')} of {version}")

    def _extension(self, line: int, text: str) -> None:
        self.facts.append(ModelExtensionFacts(subject=self.subject, line=line, text=text))


def _entities(subject: Subject, document: XmlDocument) -> Analysis:
    """Yield what the document type has a reader fetch or expand."""
    if document.system is not None and not _DTD_HOSTS.match(document.system):
        text = f"document type of {document.system}"
        yield XmlEntityFacts(subject=subject, kind=EntityKind.EXTERNAL, text=text)
    for entity in document.entities:
        if entity.system is not None:
            kind = EntityKind.EXTERNAL
        elif entity.name.startswith("%"):
            kind = EntityKind.PARAMETER
        elif entity.size > MAX_XML_ENTITY_CHARS or entity.references > MAX_XML_ENTITY_REFERENCES:
            kind = EntityKind.EXPANSION
        else:
            continue
        text = f"entity {entity.name} of {entity.system or f'{entity.size} characters'}"
        yield XmlEntityFacts(subject=subject, kind=kind, text=text)
    if document.written > MAX_XML_WRITTEN_CHARS:
        text = f"entities of {document.written} characters or more, written out in the text"
        yield XmlEntityFacts(subject=subject, kind=EntityKind.EXPANSION, text=text)


def _search_html(subject: Subject, data: bytes) -> Analysis:
    """Yield each kind of active content once."""
    seen: set[bytes] = set()
    for match in _HTML_ACTIVE.finditer(data):
        subject.check_time()
        what = next(group for group in match.groups() if group).lower()
        if what not in seen and len(seen) < MAX_XML_ODDITIES:
            seen.add(what)
            line = data.count(b"\n", 0, match.start()) + 1
            text = match.group().decode("utf-8", "replace").strip()
            yield ActiveMarkupFacts(subject=subject, line=line, text=text)
