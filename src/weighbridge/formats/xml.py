"""
Read XML for what is written in it, with no entity expanded and nothing fetched.

The parser is the standard library's expat. It is told to leave entities alone, it is given no
handler that could open one, and it stops at the first declaration of a general entity that
refers to others often enough to matter (CVE-2003-1564 and its many successors), and where the
text refers to entities so often that they stand for more than memories hold.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import (
    MAX_XML_DEPTH,
    MAX_XML_ENTITIES,
    MAX_XML_ENTITY_CHARS,
    MAX_XML_WRITTEN_CHARS,
)
from weighbridge.core.values import frozen

_REFERENCE: Final = re.compile(r"&([^;&\s]{1,256});")
_PREDEFINED: Final = frozenset({"amp", "apos", "gt", "lt", "quot"})
_CHUNK: Final = 64 * 1024

OnElement = Callable[[str, Mapping[str, str], int], None]
"""Is told of each element: its name with its prefix, its attributes, and its line."""


@frozen
class Entity:
    """
    A declaration in a document type.

    Attributes:
        name: Its name; with a `%` in front for a parameter entity.
        system: Where its content is to be fetched from; None where it stands in the document.
        size: Characters that it stands for, those of the entities in it included.
        references: How often it refers to other entities; not to those that every document has.
    """

    name: str
    system: str | None
    size: int
    references: int


@frozen
class XmlDocument:
    """
    What stands around the elements of a document.

    Attributes:
        root: Name of the outermost element; empty where entities ended the reading.
        doctype: Name in the document type declaration; None without one.
        system: Where the document type says that the rest of it is to be fetched from.
        public: Its public identifier.
        entities: What the document type declares.
        instructions: Processing instructions: target and content.
        written: Characters that the references in the text stand for, as far as it was read.
    """

    root: str
    doctype: str | None
    system: str | None
    public: str | None
    entities: tuple[Entity, ...]
    instructions: tuple[tuple[str, str], ...]
    written: int


class _Expansion(Exception):  # noqa: N818  ends the reading, and is no error
    """Entities that stand for more than is ever written out."""


@dataclass(slots=True)
class _Reader:
    """The handlers of one document."""

    element: OnElement
    parser: expat.XMLParserType
    root: str = ""
    doctype: tuple[str, str | None, str | None] | None = None
    entities: dict[str, Entity] = field(default_factory=dict)
    instructions: list[tuple[str, str]] = field(default_factory=list)
    depth: int = 0
    written: int = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take the start of an element."""
        self.depth += 1
        if self.depth > MAX_XML_DEPTH:
            raise LimitExceededError(
                "the XML is nested too deeply", expected=f"at most {MAX_XML_DEPTH} levels"
            )
        self.root = self.root or name
        self.element(name, attributes, self.parser.CurrentLineNumber)

    def end(self, _: str) -> None:
        """Take the end of an element."""
        self.depth -= 1

    def start_doctype(
        self,
        name: str,
        system: str | None,
        public: str | None,
        _: bool,  # noqa: FBT001  expat's order
    ) -> None:
        """Take the start of the document type."""
        self.doctype = (name, system, public)

    def entity(
        self,
        name: str,
        is_parameter: bool,  # noqa: FBT001  expat's order
        value: str | None,
        _base: str | None,
        system: str | None,
        _public: str | None,
        _notation: str | None,
    ) -> None:
        """Take the declaration of an entity, and stop where it stands for too much."""
        key = f"%{name}" if is_parameter else name
        names = [
            each
            for each in _REFERENCE.findall(value or "")
            if each not in _PREDEFINED and not each.startswith("#")
        ]
        size = self._size(value or "", names)
        self.entities.setdefault(
            key, Entity(name=key, system=system, size=size, references=len(names))
        )
        if size > MAX_XML_ENTITY_CHARS:
            raise _Expansion
        if len(self.entities) > MAX_XML_ENTITIES:
            raise LimitExceededError(
                "the XML declares too many entities", expected=f"at most {MAX_XML_ENTITIES}"
            )

    def instruction(self, target: str, data: str) -> None:
        """Take a processing instruction."""
        if len(self.instructions) < MAX_XML_ENTITIES:
            self.instructions.append((target, data))

    def other(self, text: str) -> None:
        """Take what no other handler takes: references in the text among it."""
        if text.startswith("&") and text.endswith(";"):
            known = self.entities.get(text[1:-1])
            self.written += 0 if known is None else known.size
            if self.written > MAX_XML_WRITTEN_CHARS:
                raise _Expansion

    def _size(self, value: str, names: list[str]) -> int:
        """
        Return the characters that *value* stands for, which refers to *names*.

        A reference to what is declared later, if at all, counts as too many: no writer makes one.
        """
        size = len(value)
        for name in names:
            known = self.entities.get(name)
            if known is None:
                return MAX_XML_ENTITY_CHARS + 1
            size += known.size
        return size


def read_xml(data: bytes, *, element: OnElement) -> XmlDocument:
    """
    Read the XML document *data* and tell *element* of every element.

    Raises:
        MalformedContentError: Not well-formed, or in an encoding that expat does not read.
        LimitExceededError: Nested too deeply, or too many entities.
    """
    parser = expat.ParserCreate()
    reader = _Reader(element=element, parser=parser)
    # Characters are of no interest; and a default handler keeps references from being expanded.
    parser.DefaultHandler = reader.other
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = reader.start_doctype
    parser.EntityDeclHandler = reader.entity
    parser.ProcessingInstructionHandler = reader.instruction
    try:
        for start in range(0, len(data), _CHUNK):
            parser.Parse(data[start : start + _CHUNK], False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise MalformedContentError(
            "the content is not XML", expected="well-formed XML", found=str(error)
        ) from error
    except (ValueError, LookupError, UnicodeError) as error:
        raise MalformedContentError(
            "the encoding of the XML cannot be read", expected="UTF-8", found=str(error)
        ) from error
    except _Expansion:
        pass
    doctype, system, public = reader.doctype or (None, None, None)
    return XmlDocument(
        root=reader.root,
        doctype=doctype,
        system=system,
        public=public,
        entities=tuple(reader.entities.values()),
        instructions=tuple(reader.instructions),
        written=reader.written,
    )
