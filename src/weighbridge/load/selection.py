"""Which files a program's tensors come from, and that no name is in two of them."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError, OperationError, UsageError
from weighbridge.formats.sniff import sniff
from weighbridge.load.gguf import place_gguf
from weighbridge.load.held import HeldFile, HeldFiles
from weighbridge.load.numpy_files import place_npy, place_npz
from weighbridge.load.placement import Placement, narrow
from weighbridge.load.safetensors import check_indexes, place_safetensors
from weighbridge.load.torch_checkpoint import place_legacy_checkpoint, place_zip_checkpoint

Placer = Callable[[HeldFile, str], dict[str, Placement]]


def _safetensors(held: HeldFile, where: str) -> dict[str, Placement]:
    return place_safetensors(held, where=where)


def _torch_zip(held: HeldFile, where: str) -> dict[str, Placement]:
    return place_zip_checkpoint(held, where=where)


def _torch_legacy(held: HeldFile, where: str) -> dict[str, Placement]:
    return place_legacy_checkpoint(held, where=where)


def _gguf(held: HeldFile, where: str) -> dict[str, Placement]:
    return place_gguf(held, where=where)


def _npy(held: HeldFile, where: str) -> dict[str, Placement]:
    return place_npy(held, where=where)


def _npz(held: HeldFile, where: str) -> dict[str, Placement]:
    return place_npz(held, where=where)


_PLACERS: Final[Mapping[FileFormat, Placer]] = MappingProxyType(
    {
        FileFormat.SAFETENSORS: _safetensors,
        FileFormat.TORCH_ZIP: _torch_zip,
        FileFormat.TORCH_LEGACY: _torch_legacy,
        FileFormat.GGUF: _gguf,
        FileFormat.NPZ: _npz,
        FileFormat.NPY: _npy,
    }
)

_PREFERENCE: Final = (
    frozenset({FileFormat.SAFETENSORS}),
    frozenset({FileFormat.TORCH_ZIP, FileFormat.TORCH_LEGACY}),
    frozenset({FileFormat.GGUF}),
    frozenset({FileFormat.NPZ, FileFormat.NPY}),
)
"""Of the first kind that occurs all files are taken: models often ship the same tensors twice."""


def place_tensors(
    files: HeldFiles, paths: tuple[str, ...] | None, *, name: str
) -> dict[str, Placement]:
    """
    Return where every tensor of the files at *paths* lies, by its name.

    Args:
        files: All files of the artifact.
        paths: Which to take. None is all files of the first kind that occurs: safetensors,
            PyTorch checkpoints, GGUF, NumPy.
        name: The artifact's, which stands for `.`.

    Raises:
        OperationError: A file has no tensors that could be built, or none has.
        ArtifactRefusedError: A tensor's name occurs in two files, or an index contradicts them.
    """
    formats = {path: _format_of(files, path, name) for path in paths or files.paths}
    chosen = _choose(formats) if paths is None else formats
    placed = {
        path: _placer(path, file_format)(files[path], name if path == "." else path)
        for path, file_format in chosen.items()
    }
    if not placed:
        raise OperationError(
            "no file holds tensors that can be built",
            code=Code.LOAD_FORMAT,
            expected="safetensors, PyTorch, GGUF or NumPy files",
            found=", ".join(sorted(set(formats.values()))) or "no file",
            hint="Load the model from path() with its own framework",
        )
    safetensors = {p: placed[p] for p in placed if chosen[p] is FileFormat.SAFETENSORS}
    check_indexes(files, safetensors)
    return _unite(placed)


def choose(
    placed: Mapping[str, Placement], names: Iterable[str] | Mapping[str, slice]
) -> dict[str, Placement]:
    """
    Return those of *placed* that are called *names*, in the order of the names.

    Raises:
        UsageError: No tensor has one of the names, or one has no such rows.
    """
    chosen: dict[str, Placement] = {}
    for name in names:
        if name not in placed:
            raise UsageError(
                f"there is no tensor {name[:200]!r}",
                code=Code.FILE_MISSING,
                expected="a name of a tensor in the files",
            )
        chosen[name] = placed[name]
        if isinstance(names, Mapping):
            try:
                chosen[name] = narrow(placed[name], names[name])
            except (AttributeError, TypeError, ValueError) as error:
                why = "" if isinstance(error, AttributeError) else f": {error}"
                raise UsageError(
                    f"these are no rows of the tensor {name[:200]!r}{why}",
                    expected="a slice such as slice(0, 512), of a tensor with rows",
                    found=repr(names[name])[:80],
                ) from error
    return chosen


def _format_of(files: HeldFiles, path: str, name: str) -> FileFormat:
    told = files[path].told
    if told is not None:
        return told
    return sniff(files[path], name=name if path == "." else path.rpartition("/")[2]).format


def _choose(formats: Mapping[str, FileFormat]) -> dict[str, FileFormat]:
    for kind in _PREFERENCE:
        chosen = {p: f for p, f in formats.items() if f in kind}
        if chosen:
            return chosen
    return {}


def _placer(path: str, file_format: FileFormat) -> Placer:
    placer = _PLACERS.get(file_format)
    if placer is None:
        raise OperationError(
            "the file holds no tensors that can be built",
            code=Code.LOAD_FORMAT,
            where=path,
            expected="a safetensors, PyTorch, GGUF or NumPy file",
            found=file_format,
        )
    return placer


def _unite(placed: Mapping[str, Mapping[str, Placement]]) -> dict[str, Placement]:
    union: dict[str, Placement] = {}
    origin: dict[str, str] = {}
    for path, placements in placed.items():
        for tensor, placement in placements.items():
            other = origin.setdefault(tensor, path)
            if other != path:
                raise ArtifactRefusedError(
                    f"two files have a tensor {tensor[:200]!r}",
                    code=Code.LOAD_MALFORMED,
                    where=path,
                    expected="each name in one file",
                    found=f"the same in {other}",
                    hint="Name the files to load: tensors(files=[...])",
                )
            union[tensor] = placement
    return union
