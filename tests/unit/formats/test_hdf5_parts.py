"""Parts of HDF5 files that no current writer makes: old messages, other indexes, broken ones."""

import struct
import zlib
from collections.abc import Callable
from typing import Final

import pytest

from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError, WeighbridgeError
from weighbridge.core.limits.weights import (
    MAX_HDF5_DEPTH,
    MAX_HDF5_METADATA_BYTES,
    MAX_HDF5_PROBLEMS,
)
from weighbridge.formats.hdf5.attribute import element_values
from weighbridge.formats.hdf5.btree1 import CHUNK_TREE, read_children
from weighbridge.formats.hdf5.btree2 import read_records
from weighbridge.formats.hdf5.checksum import lookup3
from weighbridge.formats.hdf5.chunks import Chunk, decode_chunk, read_chunks
from weighbridge.formats.hdf5.dataset import read_filters, read_layout
from weighbridge.formats.hdf5.datatype import read_datatype, read_shape
from weighbridge.formats.hdf5.fractal_heap import FractalHeap
from weighbridge.formats.hdf5.group import read_link
from weighbridge.formats.hdf5.header import MessageType, read_messages, read_shared
from weighbridge.formats.hdf5.heaps import GlobalHeap, LocalHeap
from weighbridge.formats.hdf5.image import Fields, Image
from weighbridge.formats.hdf5.values import (
    ChunkIndex,
    Dataset,
    Datatype,
    Filter,
    Layout,
    LayoutKind,
    LinkKind,
    TypeClass,
    VirtualSource,
)
from weighbridge.formats.hdf5.virtual import read_sources

_NONE: Final = b"\xff" * 8
_BYTE: Final = Datatype(kind=TypeClass.INTEGER, size=1)


def _image(data: bytes = b"") -> Image:
    return Image(BytesSource(data), base=0, checkpoint=lambda: None)


def _fields(data: bytes) -> Fields:
    return Fields(data, image=_image(data), what="test")


def _u64(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}Q", *numbers)


def _summed(block: bytes) -> bytes:
    return block + lookup3(block).to_bytes(4, "little")


class TestImage:
    """Reads are bounded, whoever asks."""

    def test_bytes_outside(self) -> None:
        """Bytes that are not all within the file are refused."""
        with pytest.raises(MalformedContentError, match="within the file"):
            _image(b"1234").read(2, 3, what="x")

    def test_much_metadata(self) -> None:
        """Reading the same bytes over and over ends at the limit."""
        image = _image(bytes(1 << 20))
        for _ in range(MAX_HDF5_METADATA_BYTES >> 20):
            image.read(0, 1 << 20, what="x")
        with pytest.raises(LimitExceededError, match="metadata"):
            image.read(0, 1, what="x")

    def test_many_problems(self) -> None:
        """Problems without number end the work."""
        image = _image()
        for index in range(MAX_HDF5_PROBLEMS):
            image.report(str(index))
        with pytest.raises(LimitExceededError, match="problems"):
            image.report("one more")

    def test_text_without_end(self) -> None:
        """A string without a NUL is refused."""
        with pytest.raises(MalformedContentError, match="an end"):
            _fields(b"abc").text()


class TestLayout:
    """Layout messages of every version."""

    @pytest.mark.parametrize("version", [1, 2])
    def test_old(self, version: int) -> None:
        """The first two versions have another order."""
        image = _image()
        extents = struct.pack("<2I", 4, 5)
        contiguous = bytes([version, 2, 1]) + bytes(5) + _u64(64) + extents
        assert read_layout(image, contiguous) == Layout(kind=LayoutKind.CONTIGUOUS, address=64)
        chunked = bytes([version, 2, 2]) + bytes(5) + _u64(64) + extents
        assert read_layout(image, chunked).chunk == (4,)
        compact = bytes([version, 1, 0]) + bytes(5) + struct.pack("<2I", 3, 3) + b"abc"
        assert read_layout(image, compact).data == b"abc"

    @pytest.mark.parametrize(
        "body",
        [
            b"\x09",
            b"\x03\x07",
            bytes([1, 1, 3]) + bytes(30),
            bytes([3, 2, 0]) + bytes(8),
            bytes([3, 2, 99]) + bytes(8),
            bytes([4, 2, 0, 2, 4]) + bytes(8) + b"\x09" + bytes(20),
            bytes([4, 2, 0, 2, 4]) + bytes(8) + b"\x00" + bytes(20),
        ],
    )
    def test_broken(self, body: bytes) -> None:
        """Unknown versions, classes, ranks and indexes are refused."""
        with pytest.raises((MalformedContentError, LimitExceededError)):
            read_layout(_image(), body)


class TestTypes:
    """Datatype and dataspace messages."""

    def test_time_and_bits(self) -> None:
        """Types that nobody uses are read, too."""
        for kind, more in ((TypeClass.TIME, 2), (TypeClass.BITS, 4)):
            body = bytes([0x10 | kind, 0, 0, 0]) + struct.pack("<I", 4) + bytes(more)
            assert read_datatype(_image(), _fields(body)).kind is kind

    def test_first_compound(self) -> None:
        """Members of the first version have dimensions of their own."""
        member = b"ab\0".ljust(8, b"\0") + bytes(4 + 1 + 3 + 4 + 4 + 16)
        integer = bytes([0x10, 0, 0, 0]) + struct.pack("<I", 1) + bytes(4)
        body = bytes([0x16, 1, 0, 0]) + struct.pack("<I", 1) + member + integer
        assert read_datatype(_image(), _fields(body)).parts == (_BYTE,)

    @pytest.mark.parametrize("head", [0x00, 0x6F, 0x1C])
    def test_unknown(self, head: int) -> None:
        """Unknown classes and versions are refused."""
        with pytest.raises(MalformedContentError):
            read_datatype(_image(), _fields(bytes([head]) + bytes(20)))

    def test_deep(self) -> None:
        """Types within types without end are refused."""
        sequence = bytes([0x19, 0, 0, 0]) + struct.pack("<I", 16)
        with pytest.raises(LimitExceededError, match="types within types"):
            read_datatype(_image(), _fields(sequence * (MAX_HDF5_DEPTH + 2)))

    def test_shapes(self) -> None:
        """Both versions say scalar, extents, and nothing."""
        image = _image()
        permuted = bytes([1, 1, 3]) + bytes(5) + _u64(3, 4, 0)
        assert read_shape(image, permuted) == (3,)
        assert read_shape(image, bytes([2, 0, 0, 0])) == ()
        assert read_shape(image, bytes([2, 0, 0, 2])) is None
        with pytest.raises(LimitExceededError):
            read_shape(image, bytes([2, 65, 0, 1]))


class TestSources:
    """Selections in the lists of virtual datasets."""

    ALL = struct.pack("<4I", 3, 1, 0, 0)
    SELECTIONS = (
        ALL,
        struct.pack("<4I", 0, 1, 0, 0),
        struct.pack("<4I", 1, 1, 0, 8) + bytes(8),
        struct.pack("<4I", 2, 1, 0, 8) + bytes(8),
        struct.pack("<IIBI", 2, 2, 1, 8) + bytes(8),
        struct.pack("<IIBBI", 2, 3, 1, 2, 1) + bytes(8),
        struct.pack("<IIBBIH", 2, 3, 0, 2, 1, 1) + bytes(4),
        struct.pack("<IIBIH", 1, 2, 2, 1, 1) + bytes(2),
    )

    @staticmethod
    def _read(body: bytes) -> tuple[VirtualSource, ...]:
        heap = b"GCOL\1\0\0\0" + _u64(4096) + b"\1\0\0\0\0\0\0\0" + _u64(len(body)) + body
        image = _image(heap.ljust(4096, b"\0"))
        layout = Layout(kind=LayoutKind.VIRTUAL, address=0, heap_index=1)
        return read_sources(image, GlobalHeap(image), layout)

    @pytest.mark.parametrize("selection", SELECTIONS)
    def test_selections(self, selection: bytes) -> None:
        """Behind each kind of selection, the next source is found."""
        first = b"a\0x\0" + selection + self.ALL
        body = b"\0" + _u64(2) + first + b"b\0y\0" + self.ALL + selection
        assert [each.file for each in self._read(body)] == ["a", "b"]

    def test_shared_names(self) -> None:
        """Version 1 refers to names of earlier sources, and says this file in a bit."""
        rest = self.ALL * 2
        first = b"\0a\0x\0" + rest
        second = b"\6" + _u64(0) + _u64(0) + rest
        third = b"\1z\0" + rest
        found = self._read(b"\1" + _u64(3) + first + second + third)
        assert [(s.file, s.dataset) for s in found] == [("a", "x"), ("a", "x"), (".", "z")]

    @pytest.mark.parametrize(
        "body",
        [
            b"\2" + bytes(8),
            b"\0" + _u64(1 << 40),
            b"\0" + _u64(1) + b"a\0x\0" + struct.pack("<4I", 9, 1, 0, 0),
            b"\0" + _u64(1) + b"a\0x\0" + struct.pack("<IIBBI", 2, 3, 1, 3, 1),
            b"\1" + _u64(1) + b"\2" + _u64(5),
        ],
    )
    def test_broken(self, body: bytes) -> None:
        """Unknown versions, counts, selections and references are refused."""
        with pytest.raises(WeighbridgeError):
            self._read(body)

    def test_nowhere(self) -> None:
        """A virtual dataset without a list has no sources."""
        image = _image()
        assert read_sources(image, GlobalHeap(image), Layout(kind=LayoutKind.VIRTUAL)) == ()


class TestHeaps:
    """Local, global and fractal heaps that lie."""

    def test_string_without_end(self) -> None:
        """A name that no NUL ends within the heap is refused."""
        heap = b"HEAP" + bytes(4) + _u64(4, 0, 32) + b"abcdabcd"
        with pytest.raises(MalformedContentError, match="an end"):
            LocalHeap(_image(heap), 0).text(0)

    def test_global_objects(self) -> None:
        """Objects outside their collection and missing ones are refused, large ones bounded."""
        heap = b"GCOL\1\0\0\0" + _u64(64) + b"\1\0\0\0\0\0\0\0" + _u64(8) + b"12345678"
        image = _image(heap.ljust(64, b"\0"))
        objects = GlobalHeap(image)
        assert objects.value(0, 1, limit=8) == b"12345678"
        with pytest.raises(LimitExceededError):
            objects.value(0, 1, limit=7)
        with pytest.raises(MalformedContentError):
            objects.find(0, 2)
        beyond = heap[:24] + _u64(99) + heap[32:]
        with pytest.raises(MalformedContentError, match="within"):
            GlobalHeap(_image(beyond.ljust(64, b"\0"))).find(0, 1)

    def test_object_twice(self) -> None:
        """A number that occurs twice in a collection is a problem."""
        entry = b"\1\0\0\0\0\0\0\0" + _u64(0)
        image = _image((b"GCOL\1\0\0\0" + _u64(64) + entry * 2).ljust(64, b"\0"))
        GlobalHeap(image).find(0, 1)
        assert "twice" in image.take_problems()[0]

    @staticmethod
    def _fractal(**changes: int) -> tuple[Image, FractalHeap]:
        numbers = {"id": 7, "filters": 0, "width": 4, "first": 64, "direct": 128, "bits": 32}
        numbers |= {"rows": 0, "root": 256} | changes
        head = b"FRHP\0" + struct.pack("<HHBI", numbers["id"], numbers["filters"], 0, 100)
        head += _u64(0) + _NONE + _u64(0) + _NONE + bytes(64)
        head += struct.pack(
            "<HQQHH", numbers["width"], numbers["first"], numbers["direct"], numbers["bits"], 1
        )
        head += _u64(numbers["root"]) + struct.pack("<H", numbers["rows"])
        image = _image(_summed(head).ljust(256, b"\0") + b"FHDB".ljust(64, b"x"))
        return image, FractalHeap(image, 0)

    def test_managed_and_tiny(self) -> None:
        """Objects in a block and in their very number are found."""
        _, heap = self._fractal()
        assert heap.value(b"\0" + struct.pack("<IH", 20, 5)) == b"xxxxx"
        assert heap.value(b"\x22abc") == b"abc"
        _, long = self._fractal(id=19)
        assert long.value(b"\x20\2abc") == b"abc"

    @pytest.mark.parametrize(
        "number",
        [
            b"\0" + struct.pack("<IH", 20, 99),
            b"\0" + struct.pack("<IH", 2, 5),
            b"\x30" + bytes(6),
            b"\x10" + bytes(6),
            b"\x2fabc",
        ],
    )
    def test_no_such_object(self, number: bytes) -> None:
        """Objects outside their block, of unknown kinds and in no tree are refused."""
        with pytest.raises(MalformedContentError):
            self._fractal()[1].value(number)

    @pytest.mark.parametrize(
        "changes",
        [
            {"filters": 4},
            {"width": 3},
            {"width": 0},
            {"first": 0},
            {"first": 48},
            {"direct": 32},
            {"bits": 99},
        ],
    )
    def test_broken_tables(self, changes: dict[str, int]) -> None:
        """Filtered heaps and tables that make no sense are refused."""
        with pytest.raises(MalformedContentError):
            self._fractal(**changes)

    def test_no_root(self) -> None:
        """A heap without a block has no objects."""
        _, heap = self._fractal(root=(1 << 64) - 1)
        with pytest.raises(MalformedContentError, match="a block"):
            heap.value(bytes(7))

    def test_block_within_itself(self) -> None:
        """A heap whose blocks do not get smaller is refused."""
        image, heap = self._fractal(rows=3)
        with pytest.raises(MalformedContentError):
            heap.value(b"\0" + struct.pack("<IH", 20, 5))
        with pytest.raises(MalformedContentError, match="offset"):
            self._fractal(rows=1)[1].value(b"\0" + struct.pack("<IH", 1 << 30, 5))
        assert image.take_problems() == ()


class TestTrees:
    """B-trees of both versions that lie."""

    @staticmethod
    def _node(level: int, *children: int, kind: int = 1) -> bytes:
        head = b"TREE" + struct.pack("<BBH", kind, level, len(children)) + _NONE * 2
        return head + b"".join(bytes(16) + _u64(child) for child in children)

    def _children(self, data: bytes) -> list[int]:
        found = read_children(_image(data), 0, kind=CHUNK_TREE, key_size=16)
        return [child.address for child in found]

    def test_levels(self) -> None:
        """The leaves of a tree with levels are found in order."""
        first = self._node(1, 96, 192).ljust(96, b"\0")
        second = self._node(0, 7, 8).ljust(96, b"\0")
        assert self._children(first + second + self._node(0, 9)) == [7, 8, 9]

    @pytest.mark.parametrize(
        "data",
        [
            _node(0, 7, kind=0),
            _node(1, 0),
            _node(2, 96).ljust(96, b"\0") + _node(0, 7),
            _node(99, 96),
            _node(0)[:20],
        ],
    )
    def test_broken_first(self, data: bytes) -> None:
        """Another type, a node within itself, wrong levels and cut nodes are refused."""
        with pytest.raises((MalformedContentError, LimitExceededError)):
            self._children(data)

    @staticmethod
    def _tree(
        *, kind: int = 5, size: int = 64, record: int = 11, depth: int = 0, root: int = 64
    ) -> bytes:
        head = b"BTHD\0" + struct.pack("<BIHHBB", kind, size, record, depth, 0, 0)
        return _summed(head + _u64(root) + struct.pack("<HQ", 1, 1)).ljust(64, b"\0")

    def _records(self, data: bytes) -> list[bytes]:
        return list(read_records(_image(data), 0, kinds=(5,)))

    def test_leaf(self) -> None:
        """The record of a leaf is found."""
        assert self._records(self._tree() + _summed(b"BTLF\0\5" + b"0123456789a")) == [
            b"0123456789a"
        ]

    @pytest.mark.parametrize(
        "changes",
        [{"kind": 6}, {"record": 0}, {"size": 12}, {"depth": 99}, {"depth": 2}, {"root": 1}],
    )
    def test_broken_second(self, changes: dict[str, int]) -> None:
        """Another type, nodes without room, too many levels and wrong roots are refused."""
        data = self._tree(**changes) + _summed(b"BTLF\0\5" + b"0123456789a")
        with pytest.raises((MalformedContentError, LimitExceededError)):
            self._records(data)

    def test_node_within_itself(self) -> None:
        """A node that is its own child is refused."""
        node = b"BTIN\0\5" + b"0123456789a" + (_u64(64) + b"\1") * 2
        with pytest.raises(MalformedContentError, match="two parents"):
            self._records(self._tree(depth=1) + _summed(node))

    def test_empty(self) -> None:
        """A tree without a root has no records."""
        assert self._records(self._tree(root=(1 << 64) - 1)) == []


class TestChunks:
    """Chunks and the filters that they passed through."""

    @staticmethod
    def _dataset(*filters: int, index: ChunkIndex = ChunkIndex.SINGLE) -> Dataset:
        layout = Layout(kind=LayoutKind.CHUNKED, address=0, chunk=(4,), index=index, size=8)
        numbered = tuple(Filter(number=number) for number in filters)
        return Dataset(datatype=_BYTE, shape=(4,), layout=layout, filters=numbered)

    def _decode(self, data: bytes, *filters: int, mask: int = 0) -> bytes:
        chunk = Chunk(start=(0,), address=0, size=len(data), mask=mask)
        return decode_chunk(_image(data), self._dataset(*filters), chunk)

    def test_filters(self) -> None:
        """Checksums are taken off and streams inflated; masked filters are passed over."""
        assert self._decode(b"abcd1234", 3) == b"abcd"
        assert self._decode(zlib.compress(b"abcd"), 1) == b"abcd"
        assert self._decode(b"abcd", 1, mask=1) == b"abcd"
        assert self._decode(b"abcd", 2) == b"abcd"

    @pytest.mark.parametrize(
        ("data", "number"), [(b"no zlib", 1), (zlib.compress(bytes(99)), 1), (b"abcd", 32001)]
    )
    def test_refused(self, data: bytes, number: int) -> None:
        """Broken streams, streams that are too long, and other filters are refused."""
        with pytest.raises(MalformedContentError):
            self._decode(data, number)

    def test_huge_chunk(self) -> None:
        """A chunk of more bytes than are read at once is refused."""
        layout = Layout(kind=LayoutKind.CHUNKED, address=0, chunk=(1 << 30,))
        dataset = Dataset(datatype=_BYTE, shape=(1,), layout=layout)
        with pytest.raises(LimitExceededError):
            decode_chunk(_image(b"x"), dataset, Chunk(start=(0,), address=0, size=1, mask=0))

    def test_other_index(self) -> None:
        """An index that this reader does not follow is refused, a dataset without one is empty."""
        with pytest.raises(MalformedContentError, match="extensible_array"):
            list(read_chunks(_image(), self._dataset(index=ChunkIndex.EXTENSIBLE_ARRAY)))
        nothing = Dataset(datatype=_BYTE, shape=(4,), layout=Layout(kind=LayoutKind.CHUNKED))
        assert list(read_chunks(_image(), nothing)) == []


class TestMessages:
    """Object headers and the messages in them."""

    @staticmethod
    def _first(*messages: bytes) -> bytes:
        body = b"".join(messages)
        return struct.pack("<BBHII", 1, 0, len(messages), 1, len(body)) + bytes(4) + body

    @staticmethod
    def _message(kind: int, body: bytes, *, flags: int = 0) -> bytes:
        return struct.pack("<HHB3x", kind, len(body), flags) + body

    def test_continuation_within_itself(self) -> None:
        """A continuation that leads back is refused."""
        data = self._first(self._message(0x10, _u64(16, 24)))
        with pytest.raises(LimitExceededError, match="blocks"):
            list(read_messages(_image(data), 0))

    def test_unknown_message(self) -> None:
        """A message of an unknown type is a problem, and the next one is read."""
        image = _image(self._first(self._message(0x77, bytes(8)), self._message(3, bytes(8))))
        kinds = [message.kind for message in read_messages(image, 0)]
        assert kinds == [MessageType.DATATYPE]
        assert "unknown type" in image.take_problems()[0]

    def test_shared(self) -> None:
        """A shared message is found in the other object, and refused where it cannot be."""
        image = _image(self._first(self._message(3, b"datatype")))
        old = b"\1\0" + bytes(6) + _u64(0)
        assert read_shared(image, _fields(old), kind=MessageType.DATATYPE) == b"datatype"
        for body, kind in (
            (b"\3\1" + bytes(8), MessageType.DATATYPE),
            (b"\2\0" + _u64(0), MessageType.DATASPACE),
        ):
            with pytest.raises(MalformedContentError):
                read_shared(image, _fields(body), kind=kind)

    def test_short_continuation(self) -> None:
        """A continuation block without room for its checksum is refused."""
        head = b"OHDR\2\0" + bytes([20]) + struct.pack("<BHB", 0x10, 16, 0) + _u64(64, 4)
        data = _summed(head).ljust(64, b"\0") + b"OCHK"
        with pytest.raises(MalformedContentError, match="checksum"):
            list(read_messages(_image(data), 0))

    def test_links(self) -> None:
        """User-defined links are told, with a character set and an order or without."""
        plain = b"\1\x08\x41\1a\1\0x"
        full = b"\1\x1c\x01" + bytes(8) + b"\1\1a\2\0/b"
        assert read_link(_image(), plain).kind is LinkKind.USER_DEFINED
        assert read_link(_image(), full).target == "/b"

    def test_filters(self) -> None:
        """Both versions of the filter pipeline name their filters."""
        first = b"\1\2" + bytes(6) + struct.pack("<4H", 300, 8, 0, 1) + b"name\0\0\0\0" + bytes(8)
        first += struct.pack("<4H", 2, 0, 0, 0)
        second = (
            b"\2\2"
            + struct.pack("<3H", 1, 0, 1)
            + bytes(4)
            + struct.pack("<4H", 300, 5, 0, 0)
            + b"name\0"
        )
        assert [f.number for f in read_filters(_image(), first)] == [300, 2]
        assert [(f.number, f.name) for f in read_filters(_image(), second)] == [
            (1, ""),
            (300, "name"),
        ]

    @pytest.mark.parametrize(
        ("kind", "shape", "data", "error"),
        [
            (TypeClass.INTEGER, (9,), b"12", MalformedContentError),
            (TypeClass.STRING, (1 << 20,), bytes(1 << 20), LimitExceededError),
        ],
    )
    def test_values(
        self, kind: TypeClass, shape: tuple[int, ...], data: bytes, error: type[Exception]
    ) -> None:
        """Values that are not there, and too many of them, are refused."""
        image = _image()
        with pytest.raises(error):
            element_values(image, GlobalHeap(image), Datatype(kind=kind, size=1), shape, data)


def test_checkpoint_is_asked() -> None:
    """A checkpoint is asked at every read."""
    count: list[int] = []
    check: Callable[[], None] = lambda: count.append(1)  # noqa: E731  as short as what it stands for
    Image(BytesSource(b"1234"), base=0, checkpoint=check).read(0, 4, what="x")
    assert count == [1]


def test_many_checksums(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit checksums are not compared, and that is a problem."""
    monkeypatch.setattr("weighbridge.formats.hdf5.image.MAX_HDF5_CHECKED_BYTES", 10)
    image = _image()
    image.check(_summed(b"123456"), what="x")
    assert image.take_problems() == ()
    image.check(_summed(b"1"), what="x")
    assert "not compared" in image.take_problems()[0]
