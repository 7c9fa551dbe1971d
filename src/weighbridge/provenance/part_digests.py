"""
Digests of parts of files: a predicate of our own, with which a file need not be read whole.

::

    {"files": [{"path": "model.safetensors",
                "parts": [{"end": 4194304, "sha256": "9f86..."}, ...]}, ...]}

A part begins where the one before it ends, the first one at 0, so that the parts have every byte
of the file once; the last one's end is the file's size. Which of a file's bytes are tensors says
the file, in bytes that are in a part as well.

Version 1, of ours; the statement around it is in-toto's.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from weighbridge.core.attestation import Artifact, CutFile, PartDigests
from weighbridge.core.digest import DigestPart
from weighbridge.core.errors import LimitExceededError
from weighbridge.core.limits.claims import MAX_PART_BYTES, MAX_PARTS
from weighbridge.core.limits.inventory import MAX_PATH_BYTES
from weighbridge.formats.json import JsonValue
from weighbridge.provenance.fields import Fields, JsonObject
from weighbridge.provenance.statement import check_written, render_statement

PARTS_V1: Final = "urn:weighbridge:predicate:parts:v1"
"""The predicate's type."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def read_parts(predicate: Fields, /) -> PartDigests:
    """
    Return the parts that *predicate* describes.

    Raises:
        ClaimError: It does not follow the format: a part without bytes, a file twice, none at all.
        LimitExceededError: More parts, or larger ones, than `core.limits` allows.
    """
    described = predicate.objects("files", limit=MAX_PARTS)
    left = MAX_PARTS
    files: list[CutFile] = []
    for each in described:
        parts = tuple(_read_file(each, limit=left))
        left -= len(parts)
        files.append(CutFile(path=_read_path(each), parts=parts))
    files.sort(key=lambda file: file.path)
    if not files or len({file.path for file in files}) < len(files):
        raise predicate.error(
            "the files are not named once each", expected="at least one file", found="others"
        )
    return PartDigests(files=tuple(files))


def render_parts(parts: PartDigests, /, *, artifacts: Sequence[Artifact]) -> bytes:
    """
    Return the statement that files of *artifacts* have *parts*: bytes to sign.

    Raises:
        UsageError: It cannot be written so that it is read the same.
        LimitExceededError: There are more parts than a statement can have.
    """
    count = sum(len(file.parts) for file in parts.files)
    if count > MAX_PARTS:
        raise _too_many(f"{count}")
    files: list[JsonValue] = [_render_file(file) for file in parts.files]
    predicate: JsonObject = {"files": files}
    check_written(predicate, parts, read_parts)
    return render_statement(artifacts=artifacts, predicate_type=PARTS_V1, predicate=predicate)


def _read_path(file: Fields) -> str:
    """Return the path, which is only ever compared with those of files that were found."""
    path = file.text("path")
    if not 0 < len(path) <= MAX_PATH_BYTES:
        raise file.error("the path is none", expected="a path", found=repr(path[:80]))
    return path


def _read_file(file: Fields, *, limit: int) -> Iterator[DigestPart]:
    items = file.items("parts")
    if not items:
        raise file.error("the file has no parts", expected="at least one", found="none")
    if len(items) > limit:
        raise _too_many("more")
    start = 0
    for item in items:
        # A loop without `Fields` for each: there may be hundreds of thousands.
        if not isinstance(item, dict):
            raise file.error(
                "a part is no object", expected="end and sha256", found="another value"
            )
        end, digest = item.get("end"), item.get("sha256")
        if type(end) is not int or end <= start:
            raise file.error(
                "a part does not end behind its start",
                expected=f"an end after byte {start}",
                found=repr(end)[:80],
            )
        if end - start > MAX_PART_BYTES:
            raise LimitExceededError(
                f"{file.at}: a part is too large",
                where=file.where,
                expected=f"at most {MAX_PART_BYTES} bytes",
                found=str(end - start),
            )
        if not isinstance(digest, str) or _SHA256.fullmatch(digest) is None:
            raise file.error(
                "a part has no digest",
                expected="64 lower-case hexadecimal digits",
                found=repr(digest)[:80],
            )
        yield DigestPart(start, end, bytes.fromhex(digest))
        start = end


def _render_file(file: CutFile) -> JsonObject:
    parts: list[JsonValue] = [{"end": part.end, "sha256": part.value.hex()} for part in file.parts]
    return {"path": file.path, "parts": parts}


def _too_many(found: str) -> LimitExceededError:
    return LimitExceededError(
        "the files have too many parts",
        expected=f"at most {MAX_PARTS} together",
        found=found,
    )
