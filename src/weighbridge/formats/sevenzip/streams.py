"""The part of a 7z header that says where packed streams are and how they were packed."""

from dataclasses import dataclass
from typing import Final

from weighbridge.core.limits.archives import (
    MAX_ARCHIVE_MEMBERS,
    MAX_SEVEN_ZIP_CODERS,
    MAX_SEVEN_ZIP_FOLDERS,
)
from weighbridge.core.values import frozen
from weighbridge.formats.sevenzip.numbers import HeaderBytes
from weighbridge.formats.sevenzip.values import Coder, SevenZipFolder, malformed

END: Final = 0x00
_PACK_INFO: Final = 0x06
_UNPACK_INFO: Final = 0x07
_SUBSTREAMS: Final = 0x08
_SIZE: Final = 0x09
_DIGESTS: Final = 0x0A
_FOLDER: Final = 0x0B
_UNPACK_SIZE: Final = 0x0C
_COUNTS: Final = 0x0D
_ID_SIZE: Final = 0x0F
_COMPLEX: Final = 0x10
_HAS_PROPERTIES: Final = 0x20
_RESERVED: Final = 0xC0
SIGNATURE_BYTES: Final = 32
"""Bytes of the signature header, from which positions count."""


@frozen
class Streams:
    """
    Packed streams.

    Attributes:
        folders: In their order.
        sizes: For each of them, the sizes of the contents in it.
    """

    folders: tuple[SevenZipFolder, ...]
    sizes: tuple[tuple[int, ...], ...]


@dataclass(slots=True, kw_only=True)
class _Shape:
    """A folder before its packed bytes and its sizes are known."""

    methods: list[tuple[bytes, bytes]]
    order: list[int]
    packed_streams: int
    problem: str


def read_streams(header: HeaderBytes) -> Streams:
    """
    Return the streams that *header* goes on with, up to the end of that part.

    Raises:
        MalformedContentError: It does not follow the form.
        LimitExceededError: There are too many of something.
    """
    position = 0
    packed: tuple[int, ...] = ()
    shapes: list[_Shape] = []
    unpacked: list[list[int]] = []
    digests: tuple[bool, ...] = ()
    kind = header.byte()
    if kind == _PACK_INFO:
        position, packed = _read_pack_info(header)
        kind = header.byte()
    if kind == _UNPACK_INFO:
        shapes, unpacked, digests = _read_unpack_info(header)
        kind = header.byte()
    folders = _join(position, packed, shapes, unpacked)
    sizes: tuple[tuple[int, ...], ...] = tuple((folder.size,) for folder in folders)
    if kind == _SUBSTREAMS:
        sizes = _read_substreams(header, folders, digests)
        kind = header.byte()
    if kind != END:
        raise malformed(f"{kind:#04x} where streams should end")
    return Streams(folders=folders, sizes=sizes)


def _read_pack_info(header: HeaderBytes) -> tuple[int, tuple[int, ...]]:
    """Return where the packed bytes start and the sizes of the packed streams."""
    position = header.number()
    count = header.count(MAX_SEVEN_ZIP_FOLDERS, "packed streams")
    sizes: tuple[int, ...] = ()
    while (kind := header.byte()) != END:
        if kind == _SIZE:
            sizes = tuple(header.number() for _ in range(count))
        elif kind == _DIGESTS:
            header.skip_digests(count)
        else:
            raise malformed(f"{kind:#04x} among the packed streams")
    if len(sizes) != count:
        raise malformed("packed streams without sizes")
    return position, sizes


def _read_unpack_info(
    header: HeaderBytes,
) -> tuple[list[_Shape], list[list[int]], tuple[bool, ...]]:
    """Return how each folder was packed, the sizes that its coders give, and who has a digest."""
    header.expect(_FOLDER, "folders")
    count = header.count(MAX_SEVEN_ZIP_FOLDERS, "folders")
    header.expect(0, "folders in the header itself")
    shapes = [_read_folder(header) for _ in range(count)]
    header.expect(_UNPACK_SIZE, "sizes")
    sizes = [[header.number() for _ in shape.methods] for shape in shapes]
    digests = (False,) * count
    while (kind := header.byte()) != END:
        if kind != _DIGESTS:
            raise malformed(f"{kind:#04x} among the folders")
        digests = header.skip_digests(count)
    return shapes, sizes, digests


def _read_folder(header: HeaderBytes) -> _Shape:
    """Return how one folder was packed."""
    methods: list[tuple[bytes, bytes]] = []
    inputs = 0
    problem = ""
    for _ in range(header.count(MAX_SEVEN_ZIP_CODERS, "coders in a folder")):
        flags = header.byte()
        if flags & _RESERVED:
            raise malformed(f"a coder with the flags {flags:#04x}")
        method = header.take(flags & _ID_SIZE)
        streams = 1
        if flags & _COMPLEX:
            streams = header.count(MAX_SEVEN_ZIP_CODERS, "inputs of a coder")
            outputs = header.count(MAX_SEVEN_ZIP_CODERS, "outputs of a coder")
            if (streams, outputs) != (1, 1):
                problem = f"the method {method.hex()} joins streams"
            if outputs != 1:
                raise malformed(f"a coder with {outputs} outputs")
        properties = b""
        if flags & _HAS_PROPERTIES:
            properties = header.take(header.number())
        methods.append((method, properties))
        inputs += streams
    if not methods or inputs < len(methods):
        raise malformed("a folder without coders")
    pairs = [(header.number(), header.number()) for _ in range(len(methods) - 1)]
    packed = inputs - len(pairs)
    if packed > 1:
        for _ in range(packed):
            header.number()
    order = [] if problem else _order(len(methods), pairs)
    return _Shape(methods=methods, order=order, packed_streams=packed, problem=problem)


def _order(count: int, pairs: list[tuple[int, int]]) -> list[int]:
    """Return the coders in the order in which they are undone; *pairs* are (input, output)."""
    follower = {output: taker for taker, output in pairs}
    first = set(range(count)) - {taker for taker, _ in pairs}
    if len(first) != 1 or len(follower) != len(pairs):
        raise malformed("coders that form no chain")
    order = [first.pop()]
    while order[-1] in follower and len(order) < count:
        order.append(follower[order[-1]])
    if sorted(order) != list(range(count)):
        raise malformed("coders that form no chain")
    return order


def _join(
    position: int, packed: tuple[int, ...], shapes: list[_Shape], unpacked: list[list[int]]
) -> tuple[SevenZipFolder, ...]:
    """Return the folders, each with its packed bytes and sizes."""
    if sum(shape.packed_streams for shape in shapes) != len(packed):
        raise malformed("packed streams that belong to no folder, or folders without")
    folders: list[SevenZipFolder] = []
    at = SIGNATURE_BYTES + position
    used = 0
    for shape, sizes in zip(shapes, unpacked, strict=True):
        length = sum(packed[used : used + shape.packed_streams])
        used += shape.packed_streams
        order = shape.order or list(range(len(shape.methods)))
        coders = tuple(
            Coder(method=shape.methods[n][0], properties=shape.methods[n][1], size=sizes[n])
            for n in order
        )
        folders.append(
            SevenZipFolder(offset=at, packed=length, coders=coders, problem=shape.problem)
        )
        at += length
    return tuple(folders)


def _read_substreams(
    header: HeaderBytes, folders: tuple[SevenZipFolder, ...], digests: tuple[bool, ...]
) -> tuple[tuple[int, ...], ...]:
    """Return the sizes of the contents in each folder; *digests* says which has one as a whole."""
    counts = [1] * len(folders)
    kind = header.byte()
    if kind == _COUNTS:
        counts = [header.count(MAX_ARCHIVE_MEMBERS, "contents of a folder") for _ in folders]
        kind = header.byte()
    if sum(counts) > MAX_ARCHIVE_MEMBERS:
        raise malformed(f"{sum(counts)} contents")
    sizes = [_split(header, folder, n, kind) for folder, n in zip(folders, counts, strict=True)]
    if kind == _SIZE:
        kind = header.byte()
    while kind != END:
        if kind != _DIGESTS:
            raise malformed(f"{kind:#04x} among the contents")
        # A folder's digest is that of its content where there is but one.
        pairs = zip(counts, digests, strict=True)
        header.skip_digests(sum(n for n, has in pairs if not (n == 1 and has)))
        kind = header.byte()
    return tuple(sizes)


def _split(header: HeaderBytes, folder: SevenZipFolder, count: int, kind: int) -> tuple[int, ...]:
    """Return the sizes of the contents of one folder; the last has what the others leave."""
    if count == 0:
        return ()
    if count == 1:
        return (folder.size,)
    if kind != _SIZE:
        raise malformed("contents without sizes")
    sizes = [header.number() for _ in range(count - 1)]
    rest = folder.size - sum(sizes)
    if rest < 0:
        raise malformed("contents that are larger than their folder")
    return (*sizes, rest)
