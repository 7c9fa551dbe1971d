"""The containers of checkpoints: what a zip or a legacy file may hold, and how much."""

from typing import ClassVar

import numpy as np
import pytest

from support import pickles as p
from support.placed_checkpoints import arrays, legacy_arrays
from support.torch_files import (
    checkpoint,
    floats,
    legacy_checkpoint,
    state,
    vector,
)
from weighbridge.core.errors import (
    ArtifactRefusedError,
    LimitExceededError,
    MalformedContentError,
)
from weighbridge.formats.pickle.machine import Bounds
from weighbridge.load import torch_checkpoint, torch_state, torch_storage

TWO = floats(1.0, 2.0)


class TestZip:
    """The archive around a checkpoint."""

    ONE = state(w=vector("0", 2))

    def test_byte_orders(self) -> None:
        """Numbers are read in the order that the file states."""
        big = np.array([1, 2], dtype=">f4").tobytes()
        data = checkpoint(self.ONE, {"0": big}, members={"byteorder": b"big"})
        assert arrays(data)["w"].tolist() == [1.0, 2.0]
        assert arrays(checkpoint(self.ONE, {"0": TWO}))["w"].tolist() == [1.0, 2.0]

    @pytest.mark.parametrize("order", [b"middle", b"", b"little\n", b"big " * 1000])
    def test_odd_byte_orders(self, order: bytes) -> None:
        """A file that states another order is refused."""
        with pytest.raises((MalformedContentError, LimitExceededError)):
            arrays(checkpoint(self.ONE, {"0": TWO}, members={"byteorder": order}))

    def test_files_without_a_byte_order(self) -> None:
        """Files of PyTorch before 2.1 do not state an order and are little-endian."""
        data = checkpoint(self.ONE, {"0": TWO}).replace(b"archive/byteorder", b"archive/byte-rder")
        assert arrays(data)["w"].tolist() == [1.0, 2.0]

    def test_compressed_members(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Compressed tensors are read within a bound on all of them together."""
        both = state(a=vector("0", 2), b=vector("1", 2), c=vector("1", 2))
        data = checkpoint(both, {"0": TWO, "1": TWO}, compressed=True)
        monkeypatch.setattr(torch_storage, "MAX_MEMBER_BYTES", 16)
        assert arrays(data)["b"].tolist() == [1.0, 2.0]
        monkeypatch.setattr(torch_storage, "MAX_MEMBER_BYTES", 15)
        with pytest.raises(LimitExceededError):
            arrays(data)

    def test_ambiguous_archives(self) -> None:
        """A zip in which a name occurs twice is refused."""
        data = checkpoint(self.ONE, {"0": TWO, "1": TWO})
        assert list(arrays(data)) == ["w"]
        with pytest.raises(MalformedContentError):
            arrays(data.replace(b"archive/data/1", b"archive/data/0"))

    @pytest.mark.parametrize("members", [{"x/data.pkl": b""}, {"other.pkl": b""}])
    def test_other_pickles_deeper_down(self, members: dict[str, bytes]) -> None:
        """Other members are nobody's business here; the scanner looks at them."""
        assert list(arrays(checkpoint(self.ONE, {"0": TWO}, members=members))) == ["w"]

    def test_no_pickle_or_two(self) -> None:
        """An archive without one `data.pkl` in its one directory is refused."""
        data = checkpoint(self.ONE, {"0": TWO})
        with pytest.raises(MalformedContentError):
            arrays(data.replace(b"archive/data.pkl", b"archive/data.pkm"))
        two = checkpoint(self.ONE, {"0": TWO}, members={"data/pkl": b""})
        with pytest.raises(MalformedContentError):
            arrays(two.replace(b"archive/data/pkl", b"archiv2/data.pkl"))

    def test_torchscript(self) -> None:
        """A program is not a checkpoint."""
        with pytest.raises(ArtifactRefusedError, match="TorchScript"):
            arrays(checkpoint(self.ONE, {"0": TWO}, members={"constants.pkl": b""}))

    def test_wrong_checksums(self) -> None:
        """A pickle whose checksum does not hold is refused."""
        data = checkpoint(self.ONE, {"0": TWO})
        with pytest.raises(MalformedContentError):
            arrays(data.replace(b"X\x01\x00\x00\x00w", b"X\x01\x00\x00\x00v"))

    @pytest.mark.parametrize("after", [b"x", p.stream(p.NONE)])
    def test_bytes_behind_the_pickle(self, after: bytes) -> None:
        """The pickle is the whole member."""
        with pytest.raises(MalformedContentError):
            arrays(checkpoint(self.ONE, {"0": TWO}, after=after))

    def test_broken_pickles(self) -> None:
        """A pickle without its end is refused."""
        member = {"data.pkl": p.stream(self.ONE)[:-1]}
        with pytest.raises(MalformedContentError):
            arrays(checkpoint(self.ONE, {"0": TWO}, members=member))

    def test_large_pickles(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A pickle beyond the limit is refused before it is read."""
        size = len(p.stream(self.ONE))
        data = checkpoint(self.ONE, {"0": TWO})
        monkeypatch.setattr(torch_checkpoint, "MAX_PICKLE_BYTES", size)
        arrays(data)
        monkeypatch.setattr(torch_checkpoint, "MAX_PICKLE_BYTES", size - 1)
        with pytest.raises(LimitExceededError):
            arrays(data)


class TestLimits:
    """Structures that would take for ever."""

    def test_doubling_structures(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Lists that hold the one before twice are walked no further than the bound."""
        monkeypatch.setattr(torch_state, "MAX_REPEATED_VALUES", 3)
        value = p.EMPTY_LIST
        for level in range(60):
            value += p.put(level) + p.POP + p.list_of(p.get(level), p.get(level))
        with pytest.raises(LimitExceededError, match="repeated values"):
            arrays(checkpoint(value))
        shared = state(a=vector("0", 2), b=vector("0", 2), c=p.TRUE) + p.put(90)
        twice = checkpoint(p.dict_of(p.text("x"), shared, p.text("y"), p.get(90)), {"0": TWO})
        assert sorted(arrays(twice)) == ["x.a", "x.b", "y.a", "y.b"]
        monkeypatch.setattr(torch_state, "MAX_REPEATED_VALUES", 2)
        with pytest.raises(LimitExceededError, match="repeated values"):
            arrays(twice)

    def test_many_values(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """More values than the limit says are refused, also where none is repeated."""
        monkeypatch.setattr(torch_state, "MAX_PICKLE_OPCODES", 5)
        assert len(arrays(checkpoint(p.list_of(*[vector("0", 2)] * 4), {"0": TWO}))) == 4
        with pytest.raises(LimitExceededError):
            arrays(checkpoint(p.list_of(*[vector("0", 2)] * 5), {"0": TWO}))

    def test_cycles(self) -> None:
        """A list in itself is refused as too deep."""
        with pytest.raises(LimitExceededError):
            arrays(checkpoint(p.EMPTY_LIST + p.put(0) + p.get(0) + p.APPEND))

    def test_names_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A tensor's name may have as many characters as the limit says, and no more."""
        monkeypatch.setattr(torch_state, "MAX_TENSOR_NAME_BYTES", 4)
        assert list(arrays(checkpoint(state(abc=vector("0", 2)), {"0": TWO}))) == ["abc"]
        with pytest.raises(LimitExceededError):
            arrays(checkpoint(state(abcd=vector("0", 2)), {"0": TWO}))

    def test_tensors_are_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """More names than the limit are refused, also of one tensor."""
        one = vector("0", 2) + p.put(0)
        monkeypatch.setattr(torch_state, "MAX_TENSORS", 2)
        assert len(arrays(checkpoint(p.list_of(one, p.get(0)), {"0": TWO}))) == 2
        with pytest.raises(LimitExceededError):
            arrays(checkpoint(p.list_of(one, p.get(0), p.get(0)), {"0": TWO}))

    def test_bounds_of_the_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A pickle that the machine does not walk to its end is refused."""
        monkeypatch.setattr(torch_checkpoint, "_BOUNDS", Bounds(opcodes=100))
        with pytest.raises(LimitExceededError):
            arrays(checkpoint(state(w=vector("0", 2)) + p.NONE * 9000 + p.POP * 9000, {"0": TWO}))


class TestLegacy:
    """Files of five pickles."""

    ONE = state(w=vector("k", 2, legacy=True), v=vector("l", 1, legacy=True))
    STORAGES: ClassVar = {"l": (1, floats(9)), "k": (2, TWO)}

    def test_reads_storages_in_the_order_of_the_file(self) -> None:
        """The list at the end of the pickles says which storage is where."""
        found = legacy_arrays(legacy_checkpoint(self.ONE, self.STORAGES))
        assert {name: array.tolist() for name, array in found.items()} == {"w": [1, 2], "v": [9]}

    @pytest.mark.parametrize(
        "data",
        [
            legacy_checkpoint(ONE, STORAGES, magic=1),
            legacy_checkpoint(ONE, STORAGES, protocol=1000),
            legacy_checkpoint(ONE, STORAGES, after=b"\0"),
            legacy_checkpoint(ONE, STORAGES)[:-1],
            legacy_checkpoint(ONE, {"l": (2, floats(9, 9)), "k": (2, TWO)}),
            legacy_checkpoint(ONE, {"l": (1, floats(9))}),
            legacy_checkpoint(ONE, {**STORAGES, "m": (1, floats(1))}),
            legacy_checkpoint(ONE, STORAGES, keys=p.list_of(p.text("l"), p.text("k"), p.text("k"))),
            legacy_checkpoint(ONE, STORAGES, keys=p.list_of(p.text("l"), p.integer(1))),
            legacy_checkpoint(ONE, STORAGES, keys=p.NONE),
            p.stream(p.integer(1)),
            b"",
        ],
    )  # fmt: skip
    def test_refuses_broken_files(self, data: bytes) -> None:
        """A wrong head, list or tail is refused."""
        with pytest.raises(MalformedContentError):
            legacy_arrays(data)

    def test_refuses_code_in_any_pickle(self) -> None:
        """A call in the list of keys, the last pickle, is refused as in the others."""
        with pytest.raises(ArtifactRefusedError, match=r"os\.system"):
            legacy_arrays(legacy_checkpoint(self.ONE, self.STORAGES, keys=p.system()))

    def test_long_pickles(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Pickles longer than the first part that is read are read whole."""
        monkeypatch.setattr(torch_checkpoint, "MIB", 16)
        assert len(legacy_arrays(legacy_checkpoint(self.ONE, self.STORAGES))) == 2
        monkeypatch.setattr(torch_checkpoint, "MAX_PICKLE_BYTES", 64)
        with pytest.raises((MalformedContentError, LimitExceededError)):
            legacy_arrays(legacy_checkpoint(self.ONE, self.STORAGES))
