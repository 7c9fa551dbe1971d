"""Tensors of safetensors files, and the index that says which file has which."""

from collections.abc import Mapping
from posixpath import dirname, join

from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError, MalformedContentError, OperationError
from weighbridge.core.limits.documents import MAX_TEXT_BYTES
from weighbridge.formats.json import parse_json
from weighbridge.formats.safetensors import parse_header
from weighbridge.load.held import HeldFile, HeldFiles
from weighbridge.load.placement import ELEMENT_BYTES, Placement, make_region, place

INDEX_SUFFIX = ".safetensors.index.json"


def place_safetensors(held: HeldFile, *, where: str) -> dict[str, Placement]:
    """
    Return where the tensors of the safetensors file *held* lie; *where* names it in errors.

    Raises:
        MalformedContentError: The file does not follow the format.
        OperationError: A type smaller than a byte, which neither framework has in this form.
    """
    placements: dict[str, Placement] = {}
    for tensor in parse_header(held).tensors:
        label = f"{where}: {tensor.name}"
        element, shape = _paired(tensor.dtype, tensor.shape)
        if element not in ELEMENT_BYTES:
            raise OperationError(
                "tensors of this type cannot be built",
                code=Code.LOAD_FORMAT,
                where=label,
                expected="one of " + ", ".join(ELEMENT_BYTES),
                found=tensor.dtype,
            )
        region = make_region(
            held,
            start=tensor.start,
            size=tensor.end - tensor.start,
            element=element,
            order="little",
        )
        placements[tensor.name] = place(region, shape=shape, where=label)
    return placements


def _paired(dtype: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """Return how PyTorch counts the elements: those of four bits by two, in rows of them."""
    if dtype == "F4" and shape and shape[-1] % 2 == 0:
        return "F4_X2", (*shape[:-1], shape[-1] // 2)
    return dtype, shape


def check_indexes(files: HeldFiles, placed: Mapping[str, Mapping[str, Placement]]) -> None:
    """
    Hold every shard index beside the *placed* files to what the files have.

    The index is not used to find tensors: the files are. But other loaders trust it, and one
    that points elsewhere would give them another model than the one that is loaded here.

    Args:
        files: All files of the artifact.
        placed: What each loaded file has, by its path.

    Raises:
        MalformedContentError: The index is broken.
        ArtifactRefusedError: It names a tensor that its file does not have.
    """
    folders = {dirname(path) for path in placed}
    for path in files.paths:
        if path.endswith(INDEX_SUFFIX) and dirname(path) in folders:
            _check_index(path, _read_index(files[path], path), files, placed)


def _read_index(held: HeldFile, path: str) -> dict[str, str]:
    if held.size > MAX_TEXT_BYTES:
        raise _broken(path, found=f"{held.size} bytes")
    document = parse_json(held.read(), what=path)
    weight_map = document.get("weight_map") if isinstance(document, dict) else None
    if not isinstance(weight_map, dict):
        raise _broken(path, found="no weight_map")
    pairs: dict[str, str] = {}
    for name, file in weight_map.items():
        if not isinstance(file, str):
            raise _broken(path, found=f"{type(file).__name__} for {name[:200]!r}")
        pairs[name] = file
    return pairs


def _check_index(
    path: str,
    weight_map: Mapping[str, str],
    files: HeldFiles,
    placed: Mapping[str, Mapping[str, Placement]],
) -> None:
    for name, file in weight_map.items():
        target = join(dirname(path), file)
        if target not in files:
            raise _disagrees(path, f"the file {file[:200]!r} with the tensor {name[:200]!r}")
        # A file that the caller left out was not parsed, and says nothing.
        if target in placed and name not in placed[target]:
            raise _disagrees(path, f"the tensor {name[:200]!r} in the file {file[:200]!r}")


def _broken(path: str, *, found: str) -> MalformedContentError:
    return MalformedContentError(
        "the shard index is broken",
        code=Code.LOAD_MALFORMED,
        where=path,
        expected="an object 'weight_map' from tensor names to file names",
        found=found,
    )


def _disagrees(path: str, what: str) -> ArtifactRefusedError:
    return ArtifactRefusedError(
        "the shard index does not agree with the verified files",
        code=Code.LOAD_MALFORMED,
        where=path,
        expected=what,
        found="none",
        hint="Remove the index, or let the publisher sign the whole model again",
    )
