"""
Which of the admitted files a library gets to see.

Data that carry no code are shown. Checkpoints of PyTorch, which are pickles, are shown in folders
without safetensors files only, and after the interpreter of `torch_checkpoint` found nothing in
them but tensors and plain containers. Everything else does not exist for the library, source code
in particular: pinned code is handed over in another way (`code`).
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.errors import UsageError
from weighbridge.formats.sniff import sniff
from weighbridge.load.held import HeldFile, HeldFiles
from weighbridge.load.placement import Placement
from weighbridge.load.torch_checkpoint import place_legacy_checkpoint, place_zip_checkpoint

_DATA: Final = frozenset(
    {
        FileFormat.EMPTY,
        FileFormat.SAFETENSORS,
        FileFormat.JSON,
        FileFormat.TEXT,
        FileFormat.YAML,
        FileFormat.TOKENIZER,
        FileFormat.CHARSMAP,
        FileFormat.IMAGE,
        FileFormat.MEDIA,
        FileFormat.NPY,
        FileFormat.HTML,
        FileFormat.XML,
    }
)

_JUDGES: Final[Mapping[FileFormat, Callable[[HeldFile, str], dict[str, Placement]]]] = (
    MappingProxyType(
        {
            FileFormat.TORCH_ZIP: lambda held, where: place_zip_checkpoint(held, where=where),
            FileFormat.TORCH_LEGACY: lambda held, where: place_legacy_checkpoint(held, where=where),
        }
    )
)

_WEIGHTS: Final = re.compile(
    r"(pytorch_model|diffusion_pytorch_model|adapter_model|model)[\w.-]*\.(bin|pt|pth)"
)
"""Base names under which the libraries look for checkpoints of PyTorch."""

_CODE_SUFFIXES: Final = (".py", ".pyc", ".pyd", ".so")


def choose_files(files: HeldFiles) -> dict[str, HeldFile]:
    """
    Return what is shown of *files*, by path.

    Raises:
        UsageError: The artifact is a single file.
        ArtifactRefusedError: A checkpoint that would be loaded needs more than tensors and plain
            containers.
        MalformedContentError: Such a checkpoint breaks its format.
    """
    if files.paths == (".",):
        raise UsageError(
            "the artifact is a single file", expected="the directory of a model", found="a file"
        )
    told = {path: sniff(files[path], name=_base(path)).format for path in files.paths}
    safe = {_folder(path) for path, each in told.items() if each is FileFormat.SAFETENSORS}
    shown: dict[str, HeldFile] = {}
    for path, each in told.items():
        if each in _DATA and not path.lower().endswith(_CODE_SUFFIXES):
            shown[path] = files[path]
        elif each in _JUDGES and _folder(path) not in safe and _WEIGHTS.fullmatch(_base(path)):
            _JUDGES[each](files[path], path)
            shown[path] = files[path]
    return shown


def has_safetensors(shown: Mapping[str, HeldFile], *, folder: str) -> bool:
    """Tell whether weights in *folder* are safetensors files."""
    return any(_folder(path) == folder and path.endswith(".safetensors") for path in shown)


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
