"""The whole tar: header after header, each of them accounted for."""

from collections.abc import Callable
from typing import Final

from weighbridge.core.content import ByteSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.archives import (
    MAX_ARCHIVE_MEMBERS,
    MAX_TAR_CHAIN,
    MAX_TAR_HEADER_BYTES,
)
from weighbridge.core.limits.units import KIB
from weighbridge.formats.member_names import find_collisions, find_name_fault
from weighbridge.formats.tar.header import BLOCK, Header, parse_header, read_records
from weighbridge.formats.tar.values import TarAnomaly, TarAnomalyKind, TarArchive, TarMember

_ZEROS: Final = bytes(BLOCK)
_LINKS: Final = {b"1": "a hard link", b"2": "a symbolic link"}
_DEVICES: Final = {b"3": "a character device", b"4": "a block device", b"6": "a pipe"}
_DIRECTORY: Final = b"5"
_EXTENDED: Final = frozenset({b"x", b"X", b"g", b"L", b"K"})
_OVERRIDES: Final = frozenset({"path", "linkpath", "size"})
_SEARCH_BYTES: Final = 256 * KIB
_SPARSE_FLAG: Final = 504
_SPARSE_KEYS: Final = ("GNU.sparse.", "SCHILY.realsize", "SUN.holesdata")
"""How keys begin that tell of holes: GNU's, star's, and Solaris', which libarchive reads."""

_READ_AHEAD: Final = 16 * KIB


def read_archive(source: ByteSource, *, check_time: Callable[[], None]) -> TarArchive:
    """
    Return the members of the tar *source* and every anomaly of its structure.

    Reads the headers, never the content of a member. *check_time* is called for each header;
    what it raises goes to the caller.

    Raises:
        MalformedContentError: No tar archive.
        LimitExceededError: More than `MAX_ARCHIVE_MEMBERS` members, or extended headers beyond
            their bounds.
    """
    return _Reading(source, check_time).run()


class _Override:
    """What extended headers say of the next member."""

    def __init__(self) -> None:
        self.name: bytes | None = None
        self.size: int | None = None
        self.sparse = False
        self.count = 0


class _Reading:
    """One archive, read from its start to its end."""

    def __init__(self, source: ByteSource, check_time: Callable[[], None]) -> None:
        self._source = source
        self._check_time = check_time
        self._at = 0
        self._ahead = b""
        self._ahead_at = 0
        self._all_sparse = False
        self._members: list[TarMember] = []
        self._names: list[str] = []
        self._anomalies: list[TarAnomaly] = []

    def run(self) -> TarArchive:
        """Read header by header."""
        override = _Override()
        while True:
            self._check_time()
            block = self._block(self._at)
            if not block or block == _ZEROS:
                break
            header = parse_header(block)
            if header is None:
                self._report_broken()
                break
            self._at += BLOCK
            if header.kind in _EXTENDED:
                self._take_extended(header, override)
                continue
            self._take_member(header, override)
            override = _Override()
        if override.count:
            self._report(TarAnomalyKind.EXTENDED_HEADER, None, "no member follows the last one")
        self._compare_names()
        unread = self._examine_end()
        return TarArchive(
            members=tuple(self._members),
            anomalies=tuple(self._anomalies),
            end=self._at,
            unread=unread,
        )

    def _block(self, at: int) -> bytes:
        """Return the block at *at*; several are read at a time."""
        start = at - self._ahead_at
        if start < 0 or start + BLOCK > len(self._ahead):
            self._ahead = self._source.read_at(at, _READ_AHEAD) if at < self._source.size else b""
            self._ahead_at, start = at, 0
        return self._ahead[start : start + BLOCK]

    def _report(self, kind: TarAnomalyKind, member: str | None, detail: str) -> None:
        """Note an anomaly."""
        self._anomalies.append(TarAnomaly(kind=kind, member=member, detail=detail))

    def _report_broken(self) -> None:
        """
        Note that there is no header where there should be one.

        Raises:
            MalformedContentError: There was none before, so that this is no archive.
        """
        if self._at == 0:
            raise MalformedContentError("no tar archive", expected="a header", found="none")
        self._report(TarAnomalyKind.BROKEN_HEADER, None, f"no header at byte {self._at}")

    def _skip(self, size: int) -> None:
        """Go behind *size* bytes of content, padded to a block."""
        self._at += -(-size // BLOCK) * BLOCK

    def _take_extended(self, header: Header, override: _Override) -> None:
        """Read a header that says something of the next member, or of all."""
        override.count += 1
        if header.size > MAX_TAR_HEADER_BYTES or override.count > MAX_TAR_CHAIN:
            raise LimitExceededError(
                "a tar archive's extended headers are too large",
                expected=f"{MAX_TAR_CHAIN} of {MAX_TAR_HEADER_BYTES} bytes at most",
                found=f"number {override.count} with {header.size} bytes",
            )
        data = self._source.read_at(self._at, max(header.size, 0))
        if header.size < 0 or len(data) < header.size:
            self._report(TarAnomalyKind.EXTENDED_HEADER, None, f"of {header.size} bytes, cut")
        self._skip(max(header.size, 0))
        if header.kind == b"L":
            self._set_name(override, data.partition(b"\0")[0])
        elif header.kind in b"xXg":
            self._take_records(data, override, shared=header.kind == b"g")

    def _set_name(self, override: _Override, name: bytes) -> None:
        """Take a name for the next member; two that differ are two views."""
        if override.name not in (None, name):
            self._report(TarAnomalyKind.EXTENDED_HEADER, None, "two names for one member")
        override.name = name

    def _take_records(self, data: bytes, override: _Override, *, shared: bool) -> None:
        """Take the records of a pax header; *shared* ones are for all members that follow."""
        try:
            records = tuple(read_records(data))
        except MalformedContentError as error:
            self._report(TarAnomalyKind.EXTENDED_HEADER, None, error.found or error.message)
            return
        seen: set[str] = set()
        for key, value in records:
            if key in seen and key in _OVERRIDES:
                self._report(TarAnomalyKind.EXTENDED_HEADER, None, f"{key} occurs twice")
            seen.add(key)
            if shared and key in _OVERRIDES:
                self._report(TarAnomalyKind.GLOBAL_OVERRIDE, None, f"{key} for every member")
            elif key.startswith(_SPARSE_KEYS):
                override.sparse = True
                # Readers merge a global header into the headers of every member behind it.
                self._all_sparse |= shared
            elif key == "path":
                self._set_name(override, value)
            elif key == "size":
                override.size = int(value) if value.isdigit() and len(value) <= 20 else -1  # noqa: PLR2004  digits of 2**64
        if shared:
            override.count -= 1

    def _take_member(self, header: Header, override: _Override) -> None:
        """Take the member of *header*, and go behind its content."""
        name = self._name_of(header, override)
        if len(self._names) >= MAX_ARCHIVE_MEMBERS:
            raise LimitExceededError(f"more than {MAX_ARCHIVE_MEMBERS} members in a tar archive")
        self._names.append(name)
        size = self._size_of(header, override, name)
        if header.kind in _LINKS or header.kind in _DEVICES or header.kind == _DIRECTORY:
            self._take_special(header.kind, name, size)
            return
        sparse = override.sparse or self._all_sparse or header.kind == b"S"
        if header.extended:
            self._skip_sparse_map()
        if sparse:
            self._report(TarAnomalyKind.SPARSE, name, "the member has holes")
        if size < 0 or self._at + size > self._source.size:
            self._report(TarAnomalyKind.BROKEN_HEADER, name, f"{size} bytes, beyond the file's end")
            size = max(0, min(size, self._source.size - self._at))
        self._members.append(TarMember(name=name, offset=self._at, size=size, sparse=sparse))
        self._skip(size)

    def _name_of(self, header: Header, override: _Override) -> str:
        """Return the member's name, and note what is wrong with it."""
        raw = header.name
        if header.prefix:
            raw = header.prefix + b"/" + raw
            if not header.posix and override.name is None:
                detail = f"{header.prefix[:200]!r} before {header.name[:200]!r}"
                self._report(TarAnomalyKind.PREFIX, None, detail)
        raw = raw if override.name is None else override.name
        name = raw.decode("utf-8", "backslashreplace")
        if not _is_utf8(raw):
            self._report(TarAnomalyKind.NAME_NOT_UTF8, name, f"{raw[:200]!r}")
        # `tar -C folder .` writes every name so.
        name = name.removeprefix("./")
        plain = raw.decode("utf-8", "replace").removeprefix("./")
        fault = find_name_fault(plain) if plain else ""
        if fault:
            self._report(TarAnomalyKind.UNSAFE_NAME, name, fault)
        return name

    def _size_of(self, header: Header, override: _Override, name: str) -> int:
        """Return the size of the member's content; two that differ are two views."""
        if override.size is None:
            return header.size
        # Writers leave a number that does not fit into the plain field out of it.
        if header.size not in (0, override.size):
            detail = f"{header.size} bytes, {override.size} in the extended header"
            self._report(TarAnomalyKind.SIZE_MISMATCH, name, detail)
        return override.size

    def _take_special(self, kind: bytes, name: str, size: int) -> None:
        """Note a member that is no file; its size is not skipped, as in Python's tarfile."""
        if kind in _LINKS:
            self._report(TarAnomalyKind.LINK, name, _LINKS[kind])
        elif kind in _DEVICES:
            self._report(TarAnomalyKind.DEVICE, name, _DEVICES[kind])
        if size:
            self._report(TarAnomalyKind.SIZE_MISMATCH, name, f"{size} bytes in what is no file")

    def _skip_sparse_map(self) -> None:
        """Go behind the blocks that continue the map of an old sparse member."""
        for _ in range(MAX_TAR_HEADER_BYTES // BLOCK):
            block = self._block(self._at)
            self._at += BLOCK
            if len(block) < BLOCK or not block[_SPARSE_FLAG]:
                return
        raise LimitExceededError("the map of a sparse tar member is too long")

    def _compare_names(self) -> None:
        """Note names that occur twice, but for directories, which writers repeat."""
        for found in find_collisions(self._names):
            name = self._names[found.index]
            if found.other is None:
                self._report(TarAnomalyKind.DUPLICATE_NAME, name, "the name occurs twice")
            elif found.other.rstrip("/") != name.rstrip("/"):
                detail = f"there is {found.other[:200]!r} too"
                self._report(TarAnomalyKind.CASE_COLLISION, name, detail)

    def _examine_end(self) -> int | None:
        """Note what follows the end, and return where it starts."""
        if self._at >= self._source.size:
            detail = f"the file ends at byte {self._source.size}"
            self._report(TarAnomalyKind.MISSING_END, None, detail)
            return None
        at = self._at
        while at < self._source.size:
            self._check_time()
            block = self._source.read_at(at, _SEARCH_BYTES)
            rest = block.lstrip(b"\0")
            at += len(block) - len(rest)
            if rest:
                detail = f"{self._source.size - at} bytes from byte {at}"
                self._report(TarAnomalyKind.TRAILING_DATA, None, detail)
                return at
        return None


def _is_utf8(raw: bytes) -> bool:
    """Tell whether *raw* is UTF-8."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
