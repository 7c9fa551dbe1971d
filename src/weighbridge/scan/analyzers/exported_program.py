"""
Programs that torch.export writes (.pt2): a graph of operators as JSON, and weights beside it.

The archive can also hold pickles, which are examined, and libraries that AOTInductor compiled.
"""

import re
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
from weighbridge.scan.operator_facts import OperatorUse, judge_operators
from weighbridge.scan.program_names import (
    imported_modules,
    is_arithmetic,
    is_guard,
    read_target,
)
from weighbridge.scan.torch_storages import examine_storages

_WEIGHT: Final = re.compile(r"data/(?:weights/weight|constants/tensor)_\d+")
_CONFIGURATION: Final = ".json"
_DESCRIPTIONS: Final = frozenset({"in_spec", "out_spec"})
_OLD_PROGRAM: Final = "serialized_exported_program.json"


@frozen
class ProgramTextFacts(Facts):
    """
    Texts of an exported program by which more than the program is reached.

    Attributes:
        targets: Calls of what is no operator.
        expressions: Symbolic sizes that are no arithmetic.
        modules: Modules that descriptions of containers import.
        guards: Conditions in Python that do more than compare sizes of inputs.
    """

    targets: tuple[str, ...]
    expressions: tuple[str, ...]
    modules: tuple[str, ...]
    guards: tuple[str, ...]


def analyze(subject: Subject) -> Analysis:
    """
    Yield the archive's anomalies, what its programs refer to, and its members.

    Raises:
        MalformedContentError: It is no archive.
        LimitExceededError: It has too many members.
    """
    archive = read_archive(subject.source)
    yield ZipFacts(subject=subject, archive=archive)
    reader = MemberReader(subject)
    programs = [m for m in archive.members if _is_program(m.name)]
    weights = [m for m in archive.members if _is_weight(m.name)]
    for member in programs:
        yield from _walk_program(reader, member)
    yield from examine_storages(reader, weights)
    done = {id(m) for m in (*programs, *weights)}
    yield from nested_members(reader, (m for m in archive.members if id(m) not in done))
    yield from reader.remarks()


def _bare(name: str) -> str:
    """Return *name* without the archive's own folder."""
    return name.partition("/")[2] or name


def _is_program(name: str) -> bool:
    """Tell whether the member *name* is a graph."""
    bare = _bare(name)
    in_folder = bare.startswith("models/") and bare.endswith(_CONFIGURATION)
    return in_folder or bare == _OLD_PROGRAM


def _is_weight(name: str) -> bool:
    """Tell whether the member *name* is raw numbers, or an archive in their place."""
    return _WEIGHT.fullmatch(_bare(name)) is not None


def _walk_program(reader: MemberReader, member: ZipMember) -> Analysis:
    """Yield what one graph refers to."""
    content, gap = reader.open(member)
    if gap is not None:
        yield gap
    if content is None:
        return
    nested = reader.subject.nested(member=member.name, format=reader.subject.format, source=content)
    if content.size > MAX_TEXT_BYTES:
        yield nested.gap(f"the program has {content.size} bytes", code=Code.SCAN_LIMIT)
        return
    try:
        document = parse_json(content.read_at(0, content.size), what="exported program")
    except MalformedContentError as error:
        yield nested.gap(error.told())
        return
    except LimitExceededError as error:
        yield nested.gap(error.told(), code=Code.SCAN_LIMIT)
        return
    yield from _judge(nested, document)


def _judge(subject: Subject, document: JsonValue) -> Analysis:
    """Yield what the texts of a graph mean."""
    targets: dict[str, None] = {}
    expressions: dict[str, None] = {}
    descriptions: dict[str, None] = {}
    for key, text in _texts(subject, document):
        if key == "target":
            targets[text] = None
        elif key == "expr_str":
            expressions[text] = None
        elif key in _DESCRIPTIONS:
            descriptions[text] = None
    read = {target: read_target(target) for target in targets}
    uses = (OperatorUse(name=name, text=text, offset=None) for text, name in read.items() if name)
    yield from judge_operators(subject, uses)
    facts = ProgramTextFacts(
        subject=subject,
        targets=tuple(text for text, name in read.items() if name is None),
        expressions=tuple(text for text in expressions if not is_arithmetic(text)),
        modules=tuple(dict.fromkeys(m for text in descriptions for m in imported_modules(text))),
        guards=_guards(document),
    )
    if facts.targets or facts.expressions or facts.modules or facts.guards:
        yield facts


def _texts(subject: Subject, document: JsonValue) -> Iterator[tuple[str, str]]:
    """Yield every text that is a value of an object, with its key."""
    waiting: list[JsonValue] = [document]
    while waiting:
        subject.check_time()
        value = waiting.pop()
        if isinstance(value, dict):
            for key, item in value.items():
                if isinstance(item, str):
                    yield key, item
                else:
                    waiting.append(item)
        elif isinstance(value, list):
            waiting.extend(value)


def _guards(document: JsonValue) -> tuple[str, ...]:
    """Return the conditions that do more than compare sizes."""
    listed = document.get("guards_code") if isinstance(document, dict) else None
    conditions = map(str, listed) if isinstance(listed, list) else ()
    return tuple(text for text in conditions if not is_guard(text))
