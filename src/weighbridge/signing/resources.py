"""
The entries of a manifest: their names, parsed and checked.

Source: OMS specification 1.0, section 6; wire format of the files and shards methods.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Final

from weighbridge.core.digest import Digest, HashAlgorithm, HashLayout
from weighbridge.core.limits.inventory import MAX_DEPTH, MAX_PATH_BYTES
from weighbridge.core.values import frozen
from weighbridge.inventory.names import name_problem

SINGLE_FILE: Final = "."
"""Name of the one file of a single-file model, as today's verifiers expect it."""

_SHARD: Final = re.compile(r"(.+):(0|[1-9][0-9]{0,18}):([1-9][0-9]{0,18})", re.DOTALL)

_COMPONENT: Final = r"(?!\.{1,2}(?:/|\Z))[ -.0-\[\]-~]+"
_PLAIN: Final = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
"""Printable ASCII paths without trouble: nearly all there are, told apart in one step."""


@frozen(kw_only=False)
class Resource:
    """
    One entry of a manifest: a file or, in shards mode, a run of a file's bytes.

    Attributes:
        path: POSIX path relative to the root, or `.`.
        start: First byte; 0 in files mode.
        end: Byte after the last one; None in files mode, where the size is not signed.
        value: The digest's bytes.
    """

    path: str
    start: int
    end: int | None
    value: bytes

    @property
    def name(self) -> str:
        """The name on the wire."""
        return self.path if self.end is None else f"{self.path}:{self.start}:{self.end}"


def split_name(name: str, layout: HashLayout, /) -> tuple[str, int, int | None]:
    """
    Return path, start and end that *name* stands for.

    Only the last two fields of a shard's name are numbers: a file name may have colons.

    Raises:
        ValueError: The name has no shard range in shards mode; the message says so.
    """
    if layout.shard_size is None:
        return name, 0, None
    match = _SHARD.fullmatch(name)
    if match is None:
        raise ValueError("a shard's name is PATH:START:END with plain decimal numbers")
    return match[1], int(match[2]), int(match[3])


def path_problem(path: str, /) -> str | None:
    """
    Tell why *path* may not name a file of a model, or None.

    Refused is every second spelling of a path and everything that leaves the root: a name is
    only ever looked up among the files of the inventory, never joined to a directory, and
    this keeps it true for whoever handles the names next.
    """
    if path == SINGLE_FILE:
        return None
    if path.count("/") > MAX_DEPTH:
        return f"the path is deeper than {MAX_DEPTH} directories"
    if len(path) > MAX_PATH_BYTES:
        return f"the path is longer than {MAX_PATH_BYTES} bytes"
    if _PLAIN.fullmatch(path) is not None:
        return None
    for component in path.split("/"):
        if component in {"", ".", ".."}:
            return f"the path has the component {component!r}"
        if (problem := name_problem(component)) is not None:
            return problem[1]
    if len(path.encode()) > MAX_PATH_BYTES:
        return f"the path is longer than {MAX_PATH_BYTES} bytes"
    return None


def tiling_problem(resources: Sequence[Resource], shard_size: int, /) -> str | None:
    """
    Tell why the shards *resources* of one file do not cover it exactly once, or None.

    They must start at byte 0, touch each other, and all but the last be exactly *shard_size*
    long: with a hole or an overlap, bytes of the file would be outside the signature.
    """
    expected = 0
    ordered = sorted(resources, key=lambda r: r.start)
    for index, resource in enumerate(ordered):
        end = resource.end or 0
        if resource.start != expected:
            return f"a shard starts at byte {resource.start} where {expected} was due"
        length = end - resource.start
        last = index == len(ordered) - 1
        if not 0 < length <= shard_size or (length != shard_size and not last):
            return f"the shard at byte {resource.start} has {length} bytes, not {shard_size}"
        expected = end
    return None


def names_digest_of(files: Iterable[tuple[str, Digest]], /) -> Digest:
    r"""
    Return the names digest: SHA-256 over the sorted lines `<sha256 hex>  <path>\n`.

    Unlike the OMS root digest it binds every file's name to its content (in-toto `dirHash`).

    Args:
        files: Pairs of a path and the SHA-256 of the whole file; a single file by its own name.

    Raises:
        ValueError: A path with a line break, which would make two lists equal.
    """
    lines = []
    for path, digest in files:
        if "\n" in path:
            raise ValueError(f"a list of names cannot hold {path!a}")
        lines.append(f"{digest.hex}  {path}\n".encode())
    lines.sort()
    return Digest(HashAlgorithm.SHA256, hashlib.sha256(b"".join(lines)).digest())


def root_digest(resources: Iterable[Resource], /) -> Digest:
    """
    Return the OMS root digest: SHA-256 over the digests' bytes in the order given.

    It does not bind the names: the same content under other names has the same root digest
    (OMS specification 6.5.1). Whatever binds a claim to a model uses `names_digest` as well.
    """
    hasher = hashlib.sha256()
    for resource in resources:
        hasher.update(resource.value)
    return Digest(HashAlgorithm.SHA256, hasher.digest())
