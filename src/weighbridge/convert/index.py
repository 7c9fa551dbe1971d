"""The index of a sharded checkpoint: held against the shards, and written for the new ones."""

import json
from collections.abc import Iterable, Mapping
from posixpath import basename, dirname, join

from weighbridge.convert.plan import PlannedFile
from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError, MalformedContentError
from weighbridge.formats.json import JsonValue, parse_json


def convert_index(data: bytes, *, path: str, files: Iterable[PlannedFile]) -> bytes:
    """
    Return the index of the converted shards.

    It is made of what the shards hold. What the given index says besides is kept, but for the sum
    of bytes.

    Args:
        data: The given index.
        path: Where it lies.
        files: Every converted file of the model.

    Raises:
        MalformedContentError: The index breaks its format.
        ArtifactRefusedError: It does not agree with the shards.
    """
    document = parse_json(data, what=path)
    weight_map = document.get("weight_map") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(weight_map, dict) or not weight_map:
        raise _broken(path, found="no weight_map")
    beside = {f.source: f for f in files if dirname(f.source) == dirname(path)}
    named = _shards(weight_map, beside, path=path)
    written: dict[str, str] = {}
    for file in named:
        target = basename(file.target)
        for tensor in file.tensors:
            if written.setdefault(tensor, target) != target:
                raise _disagrees(path, expected=f"{tensor[:200]!r} in one shard", found="it in two")
    _compare(weight_map, named, path=path)
    metadata = document.get("metadata")
    notes = dict(metadata) if isinstance(metadata, dict) else {}
    made = {
        **document,
        "metadata": {**notes, "total_size": sum(file.tensor_bytes for file in named)},
        "weight_map": dict(sorted(written.items())),
    }
    return json.dumps(made, indent=2).encode() + b"\n"


def _shards(
    weight_map: Mapping[str, JsonValue], beside: Mapping[str, PlannedFile], *, path: str
) -> list[PlannedFile]:
    """Return the shards that the index names, each once."""
    named: dict[str, PlannedFile] = {}
    for name, shard in weight_map.items():
        if not isinstance(shard, str):
            raise _broken(path, found=f"{type(shard).__name__} for {name[:200]!r}")
        file = beside.get(join(dirname(path), shard))
        if file is None:
            raise _disagrees(path, expected=f"a checkpoint {shard[:200]!r}", found="none")
        named[shard] = file
    return [file for _, file in sorted(named.items())]


def _compare(
    weight_map: Mapping[str, JsonValue], named: Iterable[PlannedFile], *, path: str
) -> None:
    """Refuse an index that has other tensors, or has them elsewhere, than the shards."""
    held: dict[str, str] = {}
    for file in named:
        shard = basename(file.source)
        for name in (*file.tensors, *(alias for alias, _ in file.aliases)):
            held[name] = shard
    for name, said in weight_map.items():
        if held.get(name) != said:
            found = f"it in {held[name]!r}" if name in held else "none"
            expected = f"the tensor {name[:200]!r} in {str(said)[:200]!r}"
            raise _disagrees(path, expected=expected, found=found[:200])
    for name, shard in held.items():
        if name not in weight_map:
            expected = "every tensor of the shards"
            raise _disagrees(path, expected=expected, found=f"not {name[:200]!r} of {shard!r}")


def _broken(path: str, *, found: str) -> MalformedContentError:
    return MalformedContentError(
        "the shard index is broken",
        code=Code.LOAD_MALFORMED,
        where=path,
        expected="an object 'weight_map' from tensor names to file names",
        found=found,
    )


def _disagrees(path: str, *, expected: str, found: str) -> ArtifactRefusedError:
    return ArtifactRefusedError(
        "the shard index does not agree with the checkpoints",
        code=Code.LOAD_MALFORMED,
        where=path,
        expected=expected,
        found=found,
        hint="Leave the index out with --ignore-paths, and each checkpoint is one file by itself",
    )
