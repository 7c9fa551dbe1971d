"""
Model archives of TorchServe (.mar): weights, and a handler that the server runs.

`MAR-INF/MANIFEST.json` names the handler: one of the server's own, or Python source within the
archive (TorchServe documentation, "Torch Model archiver").
"""

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

_MANIFEST: Final = "mar-inf/manifest.json"
BUILT_IN: Final = frozenset(
    {
        "base_handler",
        "image_classifier",
        "image_segmenter",
        "object_detector",
        "text_classifier",
    }
)
"""The server's own handlers."""


@frozen
class HandlerFacts(Facts):
    """
    What a model archive's manifest has the server run or install.

    Attributes:
        handler: The handler, where it is none of the server's own.
        model_file: Python source that defines the model; empty without.
        requirements: A list of packages that the server installs; empty without.
    """

    handler: str
    model_file: str
    requirements: str


def analyze(subject: Subject) -> Analysis:
    """
    Yield the archive's anomalies, what its manifest names, and its members.

    Raises:
        MalformedContentError: It is no archive.
        LimitExceededError: It has too many members.
    """
    archive = read_archive(subject.source)
    yield ZipFacts(subject=subject, archive=archive)
    reader = MemberReader(subject)
    for member in archive.members:
        if member.name.casefold() == _MANIFEST:
            yield from _read_manifest(reader, member)
    yield from nested_members(reader, archive.members)
    yield from reader.remarks()


def _read_manifest(reader: MemberReader, member: ZipMember) -> Analysis:
    """Yield what a manifest names."""
    content, gap = reader.open(member, compare=False)
    if gap is not None:
        yield gap
    if content is None:
        return
    nested = reader.subject.nested(member=member.name, format=reader.subject.format, source=content)
    try:
        document = parse_json(
            content.read_at(0, min(content.size, MAX_TEXT_BYTES)), what="manifest"
        )
    except MalformedContentError as error:
        yield nested.gap(error.told())
        return
    except LimitExceededError as error:
        yield nested.gap(error.told(), code=Code.SCAN_LIMIT)
        return
    model = document.get("model") if isinstance(document, dict) else None
    if not isinstance(model, dict):
        yield nested.gap("the manifest names no model")
        return
    handler = _text(model, "handler")
    yield HandlerFacts(
        subject=nested,
        handler="" if handler in BUILT_IN else handler,
        model_file=_text(model, "modelFile"),
        requirements=_text(model, "requirementsFile"),
    )


def _text(model: dict[str, JsonValue], key: str) -> str:
    """Return a text of the manifest; what is none of another kind is shown as it is."""
    value = model.get(key)
    return "" if value is None else str(value)
