"""
Gives every analyzer nearly valid files of its format, and fails when one crashes.

An examination catches whatever an analyzer raises, so that no file passes because its parser
failed; but an exception that is none of ours is a mistake all the same, and shows here. The
seeds are the files of `tests/vectors`. By hand, with coverage to guide it: `make fuzz`.
"""

import json
from collections import defaultdict
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.content import BytesSource
from weighbridge.core.evidence import Gap
from weighbridge.formats.sniff import sniff
from weighbridge.scan import registry
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Subject

VECTORS: Final = Path(__file__).parents[1] / "vectors"
_LARGEST: Final = 64 * 1024
_INTERESTING: Final = (0, 1, 2, 0x7F, 0x80, 0xFF, 10, 34, 44, 58, 91, 93, 123, 125)
_WIDE: Final = (
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\0\0\0\x80",
    b"\xff" * 8,
    b"\xff" * 7 + b"\x7f",
    b"\0" * 8,
)


class CrashError(AssertionError):
    """An analyzer raised what no parser may raise."""


def check(file_format: FileFormat | str, data: bytes) -> None:
    """
    Examine *data* as a file of *file_format*.

    Raises:
        CrashError: The examination says that something crashed.
    """
    subject = Subject(
        path="file.bin",
        name="file.bin",
        format=FileFormat(file_format),
        source=BytesSource(data),
        siblings=frozenset({"file.bin"}),
    )
    for item in examine(subject):
        if isinstance(item, Gap) and item.code is Code.SCAN_CRASHED:
            raise CrashError(f"{file_format}: {item.reason}\n{data[:2000].hex()}")


@cache
def seeds() -> dict[FileFormat, tuple[bytes, ...]]:
    """Return the files of the vectors by the format that their bytes have."""
    found: dict[FileFormat, set[bytes]] = defaultdict(set)
    for path in sorted(VECTORS.rglob("*")):
        if path.is_file() and path.stat().st_size <= _LARGEST * 16:
            data = path.read_bytes()
            files = _vector_files(data) if path.suffix == ".json" else [data]
            for each in [data, *files]:
                if len(each) <= _LARGEST:
                    found[sniff(BytesSource(each), name="").format].add(each)
    return {kind: tuple(sorted(found[kind])) for kind in registry.ANALYZERS if found[kind]}


def _vector_files(data: bytes) -> list[bytes]:
    """Return the files that a vector describes; none for whatever else is called .json."""
    try:
        document: Any = json.loads(data)
    except ValueError:
        return []
    if not isinstance(document, dict):
        return []
    found: list[bytes] = []
    for value in document.values():
        files = value.get("files") if isinstance(value, dict) else None
        found += [
            _content(each)
            for each in (files if isinstance(files, list) else [])
            if isinstance(each, dict)
        ]
    advisory = document.get("files")
    if isinstance(advisory, dict):
        found += [bytes.fromhex(text) for text in advisory.values() if isinstance(text, str)]
    return found


def _content(file: dict[str, Any]) -> bytes:
    return str(file["text"]).encode() if "text" in file else bytes.fromhex(file.get("hex", ""))


def mutate(data: bytes, rng: Random, other: bytes) -> bytes:
    """Return *data* after some changes of bytes; *other* gives pieces to put in."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        at = rng.randrange(len(changed) + 1)
        kind = rng.randrange(8)
        if kind <= 1 and changed:
            changed[at - 1] = rng.choice((rng.randrange(256), rng.choice(_INTERESTING)))
        elif kind == 2:
            wide = rng.choice(_WIDE)
            changed[at : at + len(wide)] = wide
        elif kind == 3:
            changed[at:at] = bytes([rng.choice(_INTERESTING)]) * rng.choice((1, 4, 100))
        elif kind == 4:
            del changed[at : at + rng.choice((1, 2, 8, 64))]
        elif kind == 5 and other:
            start = rng.randrange(len(other))
            changed[at:at] = other[start : start + rng.randrange(1, 64)]
        elif kind == 6:
            changed[at:at] = changed[at : at + rng.randrange(1, 32)]
        elif rng.random() < 0.2:
            del changed[at:]
    return bytes(changed)


def mutants(file_format: FileFormat, *, seed: int, count: int) -> list[bytes]:
    """Return *count* mutants of the seeds of *file_format*, always the same for one *seed*."""
    rng = Random(f"{file_format}-{seed}")
    pool = seeds()[file_format]
    return [mutate(rng.choice(pool), rng, rng.choice(pool)) for _ in range(count)]
