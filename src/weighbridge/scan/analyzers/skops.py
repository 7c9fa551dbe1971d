"""
Files of skops: a zip with `schema.json`, a tree of nodes, and arrays beside it.

skops asks its user to trust the types that a file names, and builds what the nodes say. What a
node names and what it does can differ (CVE-2025-54412, CVE-2025-54413), so both are looked at.
"""

from collections.abc import Iterator
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_TEXT_BYTES
from weighbridge.core.values import frozen
from weighbridge.formats.json import JsonValue, parse_json
from weighbridge.formats.zip import ZipMember, read_archive
from weighbridge.scan.analyzers.zip import MemberReader, nested_members
from weighbridge.scan.archive_facts import ZipFacts
from weighbridge.scan.interface import Analysis, Facts, Subject

_SCHEMA: Final = "schema.json"


@frozen
class SkopsNode:
    """
    A node of the tree.

    Attributes:
        loader: Which of skops' loaders builds it.
        name: `module.class` of what it names.
        inner: `module.class` of the object in it, for methods; empty otherwise.
        method: Which method of it; empty otherwise.
    """

    loader: str
    name: str
    inner: str
    method: str


@frozen
class SkopsFacts(Facts):
    """The kinds of nodes of a skops file, each once."""

    nodes: tuple[SkopsNode, ...]


def analyze(subject: Subject) -> Analysis:
    """
    Yield the archive's anomalies, the nodes of its tree, and its members.

    Raises:
        MalformedContentError: It is no archive.
        LimitExceededError: It has too many members.
    """
    archive = read_archive(subject.source)
    yield ZipFacts(subject=subject, archive=archive)
    reader = MemberReader(subject)
    for member in archive.members:
        if member.name.casefold() == _SCHEMA:
            yield from _read_schema(reader, member)
    yield from nested_members(reader, archive.members)
    yield from reader.remarks()


def _read_schema(reader: MemberReader, member: ZipMember) -> Analysis:
    """Yield the nodes of one tree."""
    content, gap = reader.open(member, compare=False)
    if gap is not None:
        yield gap
    if content is None:
        return
    nested = reader.subject.nested(member=member.name, format=reader.subject.format, source=content)
    if content.size > MAX_TEXT_BYTES:
        yield nested.gap(f"the schema has {content.size} bytes", code=Code.SCAN_LIMIT)
        return
    try:
        document = parse_json(content.read_at(0, content.size), what="skops schema")
    except MalformedContentError as error:
        yield nested.gap(error.told())
    except LimitExceededError as error:
        yield nested.gap(error.told(), code=Code.SCAN_LIMIT)
    else:
        nodes = tuple(dict.fromkeys(_nodes(nested, document)))
        if nodes:
            yield SkopsFacts(subject=nested, nodes=nodes)


def _nodes(subject: Subject, document: JsonValue) -> Iterator[SkopsNode]:
    """Yield every node in *document*, in no set order."""
    waiting: list[JsonValue] = [document]
    while waiting:
        subject.check_time()
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
            if "__loader__" in value:
                inner, method = _method_of(value)
                loader = str(value["__loader__"])
                yield SkopsNode(loader=loader, name=_name(value), inner=inner, method=method)


def _name(node: dict[str, JsonValue]) -> str:
    """Return `module.class` of what *node* names."""
    return f"{node.get('__module__')}.{node.get('__class__')}"


def _method_of(node: dict[str, JsonValue]) -> tuple[str, str]:
    """Return the object of which a method node takes a method, and which; empty for others."""
    content = node.get("content")
    inner = content.get("obj") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(inner, dict) or "__loader__" not in inner:
        return "", ""
    return _name(inner), str(content.get("func"))
