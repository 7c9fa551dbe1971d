"""Bytes that stay in a file: verified each time, given out alone, and never more than asked for."""

import hashlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from support.holding import admit, make_verdict
from support.parts import COUNT, START, TENSORS, WEIGHTS, flip, place_of
from support.signed_model import safetensors_file
from support.torch_files import checkpoint, floats, state, storage, tensor
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.digest import DigestPart, HashAlgorithm
from weighbridge.core.errors import ArtifactChangedError, OperationError, UsageError
from weighbridge.formats.sniff import sniff
from weighbridge.inventory.cutting import CuttingSink, cut
from weighbridge.load.artifact import VerifiedArtifact
from weighbridge.load.by_need import take
from weighbridge.load.checked import CheckedMemory, PartCache, take_all
from weighbridge.load.held import HeldFile, HeldFiles
from weighbridge.load.memfd import Descriptor
from weighbridge.load.safetensors import place_safetensors

BORDERS = (8192, *range(START + 4 * COUNT, len(WEIGHTS), 4 * COUNT))
"""What tells the format, and the tensors."""


def checked(path: Path, borders: tuple[int, ...] = BORDERS) -> CheckedMemory:
    """Return the file at *path*, held to the bytes that it has now."""
    data = path.read_bytes()
    ends = cut(len(data), borders)
    parts = tuple(
        DigestPart(start, end, hashlib.sha256(data[start:end]).digest())
        for start, end in zip((0, *ends), ends, strict=False)
    )
    return CheckedMemory(
        Descriptor(_open(path)),
        parts,
        algorithm=HashAlgorithm.SHA256,
        cache=PartCache(1),
        path=path.name,
    )


def _open(path: Path) -> int:
    return os.open(path, os.O_RDONLY)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Return a file with three tensors, in a part each."""
    place = tmp_path / "a.safetensors"
    place.write_bytes(WEIGHTS)
    return place


def artifact(files: Mapping[str, Path]) -> VerifiedArtifact:
    """Return the files as an artifact that was allowed, its bytes left in them."""
    held = HeldFiles(
        {
            name: HeldFile(memory, told=sniff(memory, name=name).format)
            for name, path in files.items()
            for memory in [checked(path)]
        }
    )
    return VerifiedArtifact(make_verdict(*files), held)


def test_tensors_are_read_when_they_are_looked_up(weights: Path) -> None:
    """A file that changed after the names were listed is noticed by who takes what changed."""
    with artifact({"a.safetensors": weights}) as model:
        tensors = model.tensors("numpy")
        assert sorted(tensors) == sorted(TENSORS)
        assert len(tensors) == len(TENSORS)
        flip(weights, place_of("second"))
        assert np.array_equal(tensors["first"], TENSORS["first"])
        assert np.array_equal(tensors["third"], TENSORS["third"])
        with pytest.raises(ArtifactChangedError, match="not those that were verified"):
            tensors["second"]
        with pytest.raises(KeyError):
            tensors["fourth"]


def test_a_byte_that_is_restored_is_right_again(weights: Path) -> None:
    """Nothing is remembered of a failure: what counts are the bytes that are read now."""
    with artifact({"a.safetensors": weights}) as model:
        flip(weights, place_of("second"))
        with pytest.raises(ArtifactChangedError):
            model.tensors("numpy", names=["second"])
        flip(weights, place_of("second"))
        assert np.array_equal(model.tensors("numpy", names=["second"])["second"], TENSORS["second"])


def test_names_are_taken_at_once_and_alone(weights: Path) -> None:
    """What was taken stays as it was, whatever happens to the file; others are not read."""
    with artifact({"a.safetensors": weights}) as model:
        flip(weights, place_of("first"))
        taken = model.tensors("numpy", names=["third", "second"])
        assert list(taken) == ["third", "second"]
        flip(weights, place_of("second"))
        assert np.array_equal(taken["second"], TENSORS["second"])
        assert not taken["second"].flags.writeable


def test_a_name_that_is_not_there(weights: Path) -> None:
    """A tensor that no file has is the caller's mistake, also where the bytes are in memory."""
    with artifact({"a.safetensors": weights}) as model:
        with pytest.raises(UsageError, match="no tensor 'fourth'") as caught:
            model.tensors("numpy", names=["first", "fourth"])
        assert caught.value.code is Code.FILE_MISSING
        assert model.tensors("numpy", names=[]) == {}


def test_rows_are_taken_alone(tmp_path: Path) -> None:
    """Of a tensor in several parts, only those of the rows are read; a slice is one of Python's."""
    values = np.arange(4 * 300_000, dtype="i4").reshape(4, 300_000)
    header = b'{"w":{"dtype":"I32","shape":[4,300000],"data_offsets":[0,4800000]}}'
    place = tmp_path / "w.safetensors"
    place.write_bytes(len(header).to_bytes(8, "little") + header + values.tobytes())
    start = 8 + len(header)
    borders = (start, *(start + row * 1_200_000 for row in range(1, 4)))
    files = HeldFiles({"w": HeldFile(checked(place, borders), told=FileFormat.SAFETENSORS)})
    with VerifiedArtifact(make_verdict("w"), files) as model:
        flip(place, start + 100)
        for rows in (slice(1, 3), slice(-2, None), slice(2, 2), slice(3, 1), slice(1, 99)):
            taken = model.tensors("numpy", names={"w": rows})["w"]
            assert np.array_equal(taken, values[rows])
        with pytest.raises(ArtifactChangedError):
            model.tensors("numpy", names={"w": slice(0, 1)})
        for other in (slice(None, None, 2), slice(None, None, -1), 3, None):
            with pytest.raises(UsageError, match="no rows"):
                model.tensors("numpy", names={"w": other})


def test_rows_of_what_is_in_memory() -> None:
    """The same where the bytes are held; a scalar has none."""
    with admit({"m.safetensors": safetensors_file(w=[1.0, 2.0, 3.0])}) as model:
        assert model.tensors("numpy", names={"w": slice(1, None)})["w"].tolist() == [2.0, 3.0]
    header = b'{"s":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}'
    data = len(header).to_bytes(8, "little") + header + b"\7"
    with admit({"m.safetensors": data}) as model, pytest.raises(UsageError, match="scalar"):
        model.tensors("numpy", names={"s": slice(0, 1)})


def test_a_shorter_file_is_an_error_and_no_signal(weights: Path) -> None:
    """What was mapped would end the process; what is read is missing."""
    with artifact({"a.safetensors": weights}) as model:
        tensors = model.tensors("numpy")
        with weights.open("r+b") as file:
            file.truncate(place_of("third"))
        assert np.array_equal(tensors["first"], TENSORS["first"])
        with pytest.raises(ArtifactChangedError, match="shorter"):
            tensors["third"]


def test_a_replaced_or_removed_file_changes_nothing(weights: Path) -> None:
    """The open file is read, not whatever has its name."""
    with artifact({"a.safetensors": weights}) as model:
        weights.rename(weights.with_name("old"))
        weights.write_bytes(b"other")
        assert model.read("a.safetensors") == WEIGHTS
        weights.unlink()
        assert np.array_equal(model.tensors("numpy")["second"], TENSORS["second"])


def test_a_closed_artifact_gives_nothing(weights: Path) -> None:
    """Tensors that were not taken before are gone with it."""
    with artifact({"a.safetensors": weights}) as model:
        tensors = model.tensors("numpy")
        first = tensors["first"]
    with pytest.raises(UsageError) as caught:
        tensors["first"]
    assert caught.value.code is Code.ARTIFACT_CLOSED
    assert np.array_equal(first, TENSORS["first"])


def test_tensors_share_what_they_shared(tmp_path: Path) -> None:
    """Of a checkpoint, the storage that two tensors show is taken once, and no more of it."""
    weight = storage("0", 6)
    values = state(a=tensor(weight, [2, 2], [2, 1], offset=1), b=tensor(weight, [2], [1], offset=3))
    place = tmp_path / "model.bin"
    place.write_bytes(checkpoint(values, {"0": floats(0, 1, 2, 3, 4, 5)}))
    with artifact({"model.bin": place}) as model:
        taken = model.tensors("numpy", names=["a", "b"])
        assert taken["a"].tolist() == [[1, 2], [3, 4]]
        assert taken["b"].tolist() == [3, 4]
        assert np.shares_memory(taken["a"], taken["b"])
        assert model.tensors("numpy")["a"].tolist() == [[1, 2], [3, 4]]


def test_a_large_tensor_is_lent_and_not_copied(tmp_path: Path) -> None:
    """What was read for the caller is the caller's; a second taker gets memory of its own."""
    data = b"".join(i.to_bytes(4, "little") for i in range(200_000))
    header = b'{"w":{"dtype":"I32","shape":[200000],"data_offsets":[0,800000]}}'
    place = tmp_path / "w.safetensors"
    place.write_bytes(len(header).to_bytes(8, "little") + header + data)
    held = HeldFile(checked(place, (8 + len(header),)))
    placements = place_safetensors(held, where="w")
    one, two = (take(placements)["w"].region for _ in range(2))
    buffer = one.block.lend()
    assert bytes(memoryview(buffer)[one.start : one.start + 800_000]) == data
    buffer[one.start] = 99
    assert two.block.read_at(two.start, 4) == bytes(4)
    assert held.read_at(8 + len(header), 4) == bytes(4)


def test_threads_take_at_once(weights: Path) -> None:
    """Small reads through one cache do not meet each other's parts."""
    memory = checked(weights)
    wrong: list[int] = []

    def read(step: int) -> None:
        places = range(0, len(WEIGHTS), step)
        wrong.extend(at for at in places if memory.read_at(at, 100) != WEIGHTS[at : at + 100])

    threads = [threading.Thread(target=read, args=(step,)) for step in (997, 1009, 4999)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_cache_is_bounded() -> None:
    """Beyond its limit the parts that were used least recently go; one part always stays."""
    cache = PartCache(10)
    token = object()
    cache.put((token, 0), b"12345")
    cache.put((token, 1), b"12345")
    assert cache.get((token, 0)) == b"12345"
    cache.put((token, 2), b"123")
    assert cache.get((token, 1)) is None
    assert cache.get((token, 0)) == b"12345"
    cache.put((token, 3), bytes(100))
    assert cache.get((token, 3)) == bytes(100)
    assert cache.get((token, 0)) is None


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 5), (7, 5), (0, len(WEIGHTS) + 1)])
def test_bytes_that_are_not_there(start: int, end: int, weights: Path) -> None:
    """A program that asks for what is not in the file is wrong, and gets nothing."""
    with pytest.raises(ValueError, match="outside"):
        take_all([(checked(weights), start, end)])


def test_a_file_that_cannot_be_read(tmp_path: Path, weights: Path) -> None:
    """What the system says is passed on."""
    memory = checked(weights)
    memory.move(Descriptor(_open(tmp_path)))
    with pytest.raises(OperationError, match="cannot be read"):
        memory.read_at(0, 1)


def test_another_file_is_held_to_the_same_digests(tmp_path: Path, weights: Path) -> None:
    """A copy is as good as the original as long as it has its bytes."""
    memory = checked(weights)
    copy = tmp_path / "copy"
    copy.write_bytes(WEIGHTS)
    memory.move(Descriptor(_open(copy)))
    flip(copy, place_of("second"))
    assert (
        memory.read_at(place_of("third"), 4) == WEIGHTS[place_of("third") : place_of("third") + 4]
    )
    with pytest.raises(ArtifactChangedError):
        memory.read_at(place_of("second"), 4)


def test_bytes_come_in_order() -> None:
    """Who cuts a file cannot digest what is missing, and keeps claims, and nothing else."""
    sink = CuttingSink({"w": (2, 4)}, kept=frozenset({"model.claims.jsonl"}))
    writer = sink.open("w", 4)
    assert writer.room(0, 4) is None
    writer.write_at(0, b"abc")
    with pytest.raises(ValueError, match="in order"):
        writer.write_at(2, b"cd")
    writer.discard()
    claims = sink.open("model.claims.jsonl", 3)
    claims.write_at(0, b"{}\n")
    assert claims.seal().read_at(0, 9) == b"{}\n"
    other = sink.open("w", 3)  # it has another size by now
    other.write_at(0, b"xyz")
    assert other.seal().size == 0
    assert [(part.start, part.end) for part in sink.parts["w"]] == [(0, 3)]
