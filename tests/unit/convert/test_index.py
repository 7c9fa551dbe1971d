"""The index of shards: held against what they hold, and made anew of it."""

import json
from collections.abc import Mapping

import pytest

from support.holding import hold
from support.torch_files import checkpoint, floats, state, vector
from weighbridge.convert.index import convert_index
from weighbridge.convert.names import target_of
from weighbridge.convert.plan import PlannedFile, SharedTensors, plan_file
from weighbridge.convert.survey import survey
from weighbridge.core.artifact import FileFormat
from weighbridge.core.errors import ArtifactRefusedError, MalformedContentError

PATH = "d/pytorch_model.bin.index.json"
ONE, TWO = "pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"
GOOD = {"a": ONE, "b": ONE, "c": TWO}


def shard(name: str, *tensors: str, shared: SharedTensors = SharedTensors.COPY) -> PlannedFile:
    """Return the plan for a shard, each of whose tensors is the same storage of two floats."""
    data = checkpoint(state(**{t: vector("0", 2) for t in tensors}), {"0": floats(1, 2)})
    found = survey(hold(data), FileFormat.TORCH_ZIP, where=name)
    path = f"d/{name}"
    plan = plan_file(
        found, source=path, target=target_of(path), size=len(data), shared=shared, where=name
    )
    return plan.file


SHARDS = (shard(ONE, "a", "b"), shard(TWO, "c"))


def convert(
    weight_map: object, files: tuple[PlannedFile, ...] = SHARDS, **more: object
) -> dict[str, object]:
    """Return the converted index."""
    data = json.dumps({"weight_map": weight_map, **more}).encode()
    made = json.loads(convert_index(data, path=PATH, files=files))
    assert isinstance(made, dict)
    return made


def test_the_new_index() -> None:
    """It leads to the new shards, has the sum of their tensors, and what else the old one said."""
    made = convert(GOOD, metadata={"total_size": 7, "note": "x"}, other=[1])
    assert made == {
        "metadata": {"total_size": 24, "note": "x"},
        "other": [1],
        "weight_map": {
            "a": "model-00001-of-00002.safetensors",
            "b": "model-00001-of-00002.safetensors",
            "c": "model-00002-of-00002.safetensors",
        },
    }


def test_names_that_are_not_written() -> None:
    """Names that stand for another one's elements leave the index with `once`."""
    files = (shard(ONE, "a", "b", shared=SharedTensors.ONCE), SHARDS[1])
    assert convert(GOOD, files)["weight_map"] == {
        "a": "model-00001-of-00002.safetensors",
        "c": "model-00002-of-00002.safetensors",
    }


@pytest.mark.parametrize(
    ("weight_map", "words"),
    [
        ({**GOOD, "d": TWO}, "'d'"),
        ({**GOOD, "c": ONE}, "'c'"),
        ({"a": ONE, "c": TWO}, "not 'b'"),
        ({**GOOD, "c": "../d/" + TWO}, "none"),
        ({**GOOD, "c": "elsewhere.bin"}, "none"),
        ({**GOOD, "c": "model-00002-of-00002.safetensors"}, "none"),
    ],
)
def test_an_index_that_lies(weight_map: Mapping[str, str], words: str) -> None:
    """An index that has other tensors, or elsewhere, than the shards is refused."""
    with pytest.raises(ArtifactRefusedError, match="does not agree") as caught:
        convert(weight_map)
    assert words in str(caught.value)


def test_one_name_in_two_shards() -> None:
    """A tensor that two shards have is refused: readers would take either."""
    with pytest.raises(ArtifactRefusedError, match="in two"):
        convert(GOOD, (SHARDS[0], shard(TWO, "c", "a")))


def test_shards_beside_the_index_only() -> None:
    """A checkpoint in another directory is no shard, and none that the index leaves out counts."""
    with pytest.raises(ArtifactRefusedError, match="none"):
        convert({"x": "other.bin"}, (*SHARDS, shard("e/other.bin", "x")))
    assert convert(GOOD, (*SHARDS, shard("other.bin", "x")))["weight_map"]


@pytest.mark.parametrize("data", [b"[]", b"{}", b'{"weight_map": {}}', b'{"weight_map": {"a": 1}}'])
def test_broken_indexes(data: bytes) -> None:
    """What is no object from names to files is malformed."""
    with pytest.raises(MalformedContentError, match="index"):
        convert_index(data, path=PATH, files=SHARDS)
