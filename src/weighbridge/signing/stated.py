"""
Digests of files that somebody else states: a registry's manifest, a hub's listing, pointers.

They are claims: who made the file may be anybody. Only SHA-256 of whole files is read; what a
manifest says of packed layers, or by another hash, says nothing about a file and is left out.

Source: OCI image manifest 1.1 with the annotations for file names of its artifacts; the pointer
files of Git LFS; the listing of a hub's interface, and what its client notes of a download.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.inventory import MAX_FILES
from weighbridge.core.limits.sources import MAX_STATED_FILE_BYTES
from weighbridge.core.values import frozen
from weighbridge.formats.json import JsonValue, parse_json
from weighbridge.signing.resources import SINGLE_FILE, path_problem

TITLES: Final = (
    "org.opencontainers.image.title",
    "org.cncf.model.filepath",
    "org.cnai.model.filepath",
)
"""Annotations of a layer that name its file; the first one that is there counts."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PACKED: Final = re.compile(r"tar|\+(?:gzip|zstd|bzip2|xz)$")
_POINTER: Final = re.compile(
    rb"version [^\n]{1,200}\noid sha256:(?P<digest>[0-9a-f]{64})\nsize (?P<size>[0-9]{1,19})\n"
)
_DOWNLOAD: Final = re.compile(rb"[0-9a-f]{40}\n(?P<tag>[^\n]{1,200})\n[0-9.e+]{1,32}\n?")


@frozen
class StatedDigest:
    """
    What is said of one file.

    Attributes:
        path: Relative to the model, canonical.
        sha256: Digest of the whole file.
        size: Bytes, where that is said.
    """

    path: str
    sha256: Digest
    size: int | None = None


def parse_manifest(data: bytes, /, *, where: str) -> tuple[StatedDigest, ...]:
    """
    Return what the manifest or listing *data* states.

    Raises:
        MalformedContentError: It is neither, names a file twice or outside the model, or says
            nothing of any file.
        LimitExceededError: It lists more than `MAX_FILES`, or is JSON nested beyond any sense.
    """
    try:
        document = parse_json(data, what=where)
    except MalformedContentError as error:
        raise _malformed(
            "no JSON", where=where, expected=error.expected or "JSON", found=error.found
        ) from error
    match document:
        case {"layers": list() as layers}:
            stated = _layers(_bounded(layers, where=where), where=where)
        case {"siblings": list() as listed} | list(listed):
            stated = _listed(_bounded(listed, where=where), where=where)
        case _:
            raise _malformed(
                "it is of no kind that is read here",
                where=where,
                expected="an OCI image manifest with layers, or a hub's list of files",
                found="another document",
            )
    return checked(stated, where=where)


def parse_pointer(data: bytes, /, *, path: str) -> StatedDigest | None:
    """Return what the Git LFS pointer *data* states of *path*; None where it is none."""
    found = _POINTER.match(data) if len(data) <= MAX_STATED_FILE_BYTES else None
    if found is None:
        return None
    return _stated(path, found["digest"].decode("ascii"), int(found["size"]))


def parse_download(data: bytes, /, *, path: str) -> StatedDigest | None:
    """
    Return what a hub's client noted when it downloaded *path*; None where that is no SHA-256.

    Small files that Git keeps itself have another hash, which is not used.
    """
    found = _DOWNLOAD.fullmatch(data) if len(data) <= MAX_STATED_FILE_BYTES else None
    if found is None:
        return None
    tag = found["tag"].decode("ascii", "replace").strip('"')
    return _stated(path, tag, None) if _SHA256.fullmatch(tag) else None


def checked(stated: Iterable[StatedDigest], *, where: str) -> tuple[StatedDigest, ...]:
    """
    Return *stated*, of which every path is canonical and occurs once.

    Raises:
        MalformedContentError: One is not, or there is none.
    """
    found: dict[str, StatedDigest] = {}
    for item in stated:
        problem = path_problem(item.path)
        if problem is None and item.path == SINGLE_FILE:
            problem = "it is the whole model"
        if problem is None and item.path in found:
            problem = "it occurs twice"
        if problem is not None:
            raise _malformed(
                "a name is not acceptable",
                where=where,
                expected="paths below the model, each once",
                found=f"{item.path[:200]!a} ({problem})",
            )
        found[item.path] = item
    if not found:
        raise _malformed(
            "it states the SHA-256 of no file",
            where=where,
            expected="layers with a title, or files with a digest",
            found="none",
        )
    return tuple(found.values())


def _bounded(items: list[JsonValue], *, where: str) -> list[JsonValue]:
    """Refuse a list that is too long; a part of it would say less than the whole."""
    if len(items) > MAX_FILES:
        raise LimitExceededError(
            "the manifest lists too many files",
            where=where,
            expected=f"at most {MAX_FILES}",
            found=str(len(items)),
        )
    return items


def _layers(layers: list[JsonValue], *, where: str) -> Iterator[StatedDigest]:
    for index, layer in enumerate(layers):
        match layer:
            case {
                "mediaType": str() as kind,
                "digest": str() as digest,
                "size": int() as size,
            } if not isinstance(size, bool):
                path = _title(layer)
            case _:
                raise _malformed(
                    f"layers[{index}] is malformed",
                    where=where,
                    expected="mediaType, digest and size",
                    found="something else",
                )
        algorithm, _, value = digest.partition(":")
        if path is None or algorithm != "sha256" or _PACKED.search(kind):
            continue  # the digest of something else than a file
        yield _required(path, value, size, at=f"layers[{index}]", where=where)


def _title(layer: JsonValue) -> str | None:
    match layer:
        case {"annotations": dict() as annotations}:
            titles = (annotations.get(name) for name in TITLES)
            return next((title for title in titles if isinstance(title, str)), None)
        case _:
            return None


def _listed(files: list[JsonValue], *, where: str) -> Iterator[StatedDigest]:
    for index, file in enumerate(files):
        match file:
            case {"type": "directory"}:
                continue
            case {"path": str() as path} | {"rfilename": str() as path}:
                pass
            case _:
                raise _malformed(
                    f"entry {index} of the list is malformed",
                    where=where,
                    expected="a file with its path",
                    found="something else",
                )
        match file:
            case {"lfs": {"oid": str() as value}} | {"lfs": {"sha256": str() as value}}:
                yield _required(path, value, _size(file), at=f"entry {index}", where=where)
            case _:
                continue  # a file that Git keeps itself, by another hash


def _size(file: JsonValue) -> int | None:
    match file:
        case {"lfs": {"size": int() as size}} if not isinstance(size, bool):
            return size
        case _:
            return None


def _required(path: str, value: str, size: int | None, *, at: str, where: str) -> StatedDigest:
    if _SHA256.fullmatch(value) is None:
        raise _malformed(
            f"the digest of {at} is malformed",
            where=where,
            expected="64 lower-case hexadecimal digits",
            found=repr(value[:80]),
        )
    return _stated(path, value, size)


def _stated(path: str, value: str, size: int | None) -> StatedDigest:
    digest = Digest(HashAlgorithm.SHA256, bytes.fromhex(value))
    return StatedDigest(path=path, sha256=digest, size=size)


def _malformed(
    message: str, *, where: str, expected: str, found: str | None
) -> MalformedContentError:
    return MalformedContentError(
        f"the manifest cannot be used: {message}",
        code=Code.MANIFEST_MALFORMED,
        where=where,
        expected=expected,
        found=found,
    )
