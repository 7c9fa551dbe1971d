"""HDF5 files made by h5py are read as h5py reads them, and broken ones are told."""

import json
import struct
from collections.abc import Iterator
from typing import Any, Final

import pytest

from support.hdf5 import FOLDER
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats import hdf5
from weighbridge.formats.hdf5 import Hdf5File, LinkKind, Object, Problem, read_flat, read_sequences
from weighbridge.formats.hdf5.checksum import lookup3

_EXPECTED: Final[dict[str, Any]] = json.loads((FOLDER / "expected.json").read_text("utf-8"))[
    "files"
]
_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"


def _open(data: bytes) -> Hdf5File:
    return Hdf5File(BytesSource(data), checkpoint=lambda: None)


def _read(name: str) -> Hdf5File:
    return _open((FOLDER / f"{name}.h5").read_bytes())


def _objects(file: Hdf5File) -> Iterator[Object]:
    for item in file.walk():
        assert isinstance(item, Object), item
        yield item


def _link(link: hdf5.Link) -> str:
    if link.kind is LinkKind.EXTERNAL:
        return f"external {link.file}:{link.target}"
    return f"soft {link.target}" if link.kind is LinkKind.SOFT else "hard"


def _describe(item: Object) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "kind": item.kind.value,
        "attributes": sorted(each.name for each in item.attributes),
    }
    if item.dataset is not None:
        shape = item.dataset.shape
        entry["shape"] = shape and list(shape)
        entry["external"] = [each.name for each in item.dataset.external]
        entry["sources"] = [each.file for each in item.dataset.sources]
    if item.kind is hdf5.ObjectKind.GROUP:
        entry["links"] = {link.name: _link(link) for link in item.links}
    return entry


def _normal(described: dict[str, Any]) -> list[Any]:
    """An object with two names may be met by either; so paths do not count, what is there does."""
    return sorted(json.dumps(each, sort_keys=True) for each in described.values())


@pytest.mark.parametrize("name", _EXPECTED)
def test_agrees_with_the_library(name: str) -> None:
    """Objects, attributes, links, shapes and other files are those that h5py sees."""
    found = {item.path: _describe(item) for item in _objects(_read(name))}
    expected = _EXPECTED[name]
    for each in expected.values():
        if each["kind"] == "dataset" and each["shape"] == []:
            each["shape"] = ()
    assert _normal(json.loads(json.dumps(found))) == _normal(json.loads(json.dumps(expected)))


@pytest.mark.parametrize("name", ["earliest", "latest", "ordered", "user-block"])
def test_attribute_values(name: str) -> None:
    """Strings of fixed and variable length come out as text, others as their bytes."""
    root = next(_objects(_read(name)))
    values = {each.name: each.values for each in root.attributes}
    assert values["text"] == ("héllo".encode(),)
    assert values["fixed"] == (b"fixed",)
    assert values["texts"] == (b"a", b"bb")
    assert values["numbers"] == (struct.pack("<5q", *range(5)),)
    assert values["nothing"] == ()
    assert values["opaque"] is not None
    assert values["opaque"][0].startswith(b"\x80\x02")


def test_many_attributes() -> None:
    """Attributes in a heap and a tree with levels have the values they were given."""
    items = {item.path: item for item in _objects(_read("many"))}
    attributes = items["/group"].attributes
    values = {each.name: int.from_bytes((each.values or ())[0], "little") for each in attributes}
    assert values == {f"key-{index:03}": index for index in range(150)}


def test_sequences() -> None:
    """Elements of variable length are found through chunks, filtered or not."""
    file = _read("sequences")
    items = {item.path: item.dataset for item in _objects(file)}
    for name in ("/rows", "/zipped"):
        dataset = items[name]
        assert dataset is not None
        assert hdf5.holds_sequences(dataset)
        first, second = read_sequences(file, dataset)
        assert first.read_at(0, 2) == b"\x80\x02"
        assert second.read_at(0, 9) == bytes(range(3))


def test_flat_contents() -> None:
    """Bytes in chunks are put together; chunks whose index has levels as well."""
    file, narrow = _read("sequences"), _read("narrow")
    whole = {item.path: item.dataset for item in _objects(file)}
    parts = [whole["/bytes"], whole["/parts"], whole["/checked"]]
    contents = {read_flat(file, each).read_at(0, 999) for each in parts if each is not None}
    assert len(contents) == 1
    levels = {item.path: item.dataset for item in _objects(narrow)}["/levels"]
    assert levels is not None
    data = read_flat(narrow, levels).read_at(0, 999)
    assert data.startswith(b"\x80\x02")
    assert data.endswith(b".")


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"", 0xDEADBEEF),
        (b"Four score and seven years ago", 0x17770551),
        (b"\0" * 12, lookup3(bytes(12))),
    ],
)
def test_lookup3(data: bytes, value: int) -> None:
    """The checksum is the one of its author's examples (lookup3.c, driver5)."""
    assert lookup3(data) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no HDF5 at all".ljust(600),
        _SIGNATURE,
        _SIGNATURE + b"\x04" + bytes(100),
        _SIGNATURE + b"\x02\x03\x08" + bytes(100),
        _SIGNATURE + bytes([0, 0, 0, 0, 0, 1, 8, 0]) + bytes(100),
        _SIGNATURE + bytes([2, 8, 8, 0]) + b"\xff" * 40,
    ],
)
def test_no_superblock(data: bytes) -> None:
    """What has no superblock that makes sense is no HDF5 file."""
    with pytest.raises(MalformedContentError):
        _open(data)


def test_checkpoint_ends_the_work() -> None:
    """Whoever asks for the end of the work gets it, wherever it is."""
    left = [40]

    def checkpoint() -> None:
        left[0] -= 1
        if not left[0]:
            raise LimitExceededError("enough")

    file = Hdf5File(BytesSource((FOLDER / "many.h5").read_bytes()), checkpoint=checkpoint)
    with pytest.raises(LimitExceededError, match="enough"):
        list(file.walk())


def test_a_broken_object_does_not_hide_the_others() -> None:
    """Behind an object that cannot be read, the others are read."""
    data = (FOLDER / "sequences.h5").read_bytes()
    root = next(_objects(_open(data)))
    address = next(link.address for link in root.links if link.name == "bytes")
    assert address is not None
    changed = data[:address] + b"\x09" + data[address + 1 :]
    items = list(_open(changed).walk())
    assert [item.path for item in items if isinstance(item, Problem)] == ["/bytes"]
    assert {link.name for link in root.links} == {
        item.path[1:] for item in items if isinstance(item, Object) and item.path != "/"
    }


def test_a_group_within_itself() -> None:
    """Names that lead back are followed once."""
    paths = [item.path for item in _objects(_read("latest"))]
    assert len(paths) == len(set(paths))
    assert not any(path.startswith("/deep/up") for path in paths)


def _header(*messages: tuple[int, bytes]) -> bytes:
    """Return an object header of version 2 with *messages*."""
    body = b"".join(struct.pack("<BHB", kind, len(data), 0) + data for kind, data in messages)
    block = b"OHDR\2\0" + bytes([len(body)]) + body
    return block + lookup3(block).to_bytes(4, "little")


def _tiny(*messages: tuple[int, bytes]) -> Hdf5File:
    """Return a file with an empty root group, whose superblock extension has *messages*."""
    root = _header((2, b"\0\0" + b"\xff" * 16), (10, b"\0\0")).ljust(64, b"\0")
    size = 48 + 64 + 64
    block = _SIGNATURE + bytes([2, 8, 8, 0]) + struct.pack("<4Q", 0, 112, size, 48)
    start = block + lookup3(block).to_bytes(4, "little")
    return _open(start + root + _header(*messages).ljust(64, b"\0"))


@pytest.mark.parametrize(
    ("message", "word"),
    [((0x18, bytes(17)), "cache image"), ((0x14, bytes(16)), "driver"), ((0x55, b""), "unknown")],
)
def test_extension_that_changes_the_file(message: tuple[int, bytes], word: str) -> None:
    """A cache image, a driver or something unknown beside the superblock is a problem."""
    (problem, root) = _tiny(message).walk()
    assert isinstance(problem, Problem)
    assert word in problem.reason
    assert isinstance(root, Object)


def test_extension_that_changes_nothing() -> None:
    """Where free space is, and how wide trees are, is no problem."""
    assert len(list(_tiny((0x13, bytes(7))).walk())) == 1


def test_message_twice() -> None:
    """An object with two layouts is a problem: readers may take either."""
    data = (FOLDER / "latest.h5").read_bytes()
    file = _open(data)
    address = next(link.address for link in next(_objects(file)).links if link.name == "scalar")
    assert address is not None
    at = data.index(b"\x05", address + 7)
    assert data[at + 1 : at + 3] == struct.pack("<H", 2)
    layout = data.index(b"\x08\x12\0", address)
    changed = data[:layout] + b"\x01" + data[layout + 1 :]
    reasons = [item.reason for item in _open(changed).walk() if isinstance(item, Problem)]
    assert any("two messages of the kind dataspace" in reason for reason in reasons)


@pytest.mark.parametrize("name", ["many", "earliest"])
def test_many_links(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Links beyond the limit end the reading, in groups of either kind."""
    monkeypatch.setattr("weighbridge.formats.hdf5.file.MAX_HDF5_ITEMS", 8)
    with pytest.raises(LimitExceededError, match="links and attributes"):
        list(_read(name).walk())


def test_many_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects beyond the limit end the reading."""
    monkeypatch.setattr("weighbridge.formats.hdf5.file.MAX_HDF5_OBJECTS", 3)
    with pytest.raises(LimitExceededError, match="objects"):
        list(_read("latest").walk())
