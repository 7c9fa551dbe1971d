"""
Open a file with a pickle in it: by the judgement of its bytes, or by whatever reads such files.

Runs in the process that is made for it. What is opened without a judgement may do anything that the
walls around that process let it do.
"""

import pickle
from collections.abc import Callable, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any, BinaryIO, Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.errors import MissingExtraError
from weighbridge.load.foreign import foreign
from weighbridge.load.held import HeldFile
from weighbridge.load.isolated.stand_ins import reconstruct, stand_in_for
from weighbridge.load.judged import COMPRESSED, PICKLES
from weighbridge.load.numpy_files import place_npy, place_npz
from weighbridge.load.pickle_object import load_pickle

CHECKPOINTS: Final = frozenset({FileFormat.TORCH_ZIP, FileFormat.TORCH_LEGACY})
ARRAYS: Final = frozenset({FileFormat.NPY, FileFormat.NPZ})
FORMATS: Final = PICKLES | COMPRESSED | CHECKPOINTS | ARRAYS
"""What can be opened: the formats in which there are pickles."""

_RECONSTRUCTORS: Final = frozenset({("copyreg", "_reconstructor"), ("copy_reg", "_reconstructor")})


def open_judged(held: HeldFile, file_format: FileFormat, *, name: str, where: str) -> object:
    """
    Return what the file *held* holds, if its bytes ask for nothing that is not on the allow-list.

    Raises:
        ArtifactRefusedError: They do; nothing of it was called.
        WeighbridgeError: It cannot be read.
    """
    if file_format in CHECKPOINTS:
        from weighbridge.load.isolated.checkpoints import (  # noqa: PLC0415  needs NumPy
            open_checkpoint,
        )

        return open_checkpoint(held, file_format, where=where)
    if file_format in ARRAYS:
        from weighbridge.load.numpy_tensors import build_arrays  # noqa: PLC0415  needs NumPy

        if file_format is FileFormat.NPZ:
            return build_arrays(place_npz(held, where=where))
        (array,) = build_arrays(place_npy(held, where=where)).values()
        return array
    return load_pickle(held, name=name, where=where)


def open_anything(file: BinaryIO, file_format: FileFormat, *, where: str) -> object:
    """
    Return what *file* holds, and let it do whatever it does.

    Classes and functions that are not installed are stood for, where the reader lets that be done.

    Raises:
        OperationError: Its reader does not take it.
        MissingExtraError: There is none.
    """
    with foreign("its reader", where=where):
        return _READERS[file_format](file)


class AnythingUnpickler(pickle.Unpickler):
    """Gives a stream whatever it asks for, and a stand-in where that is not installed."""

    def find_class(self, module: str, name: str, /) -> Any:  # noqa: ANN401  whatever it is called
        """Import what is asked for."""
        if (module, name) in _RECONSTRUCTORS:
            return reconstruct
        try:
            return super().find_class(module, name)
        except (ImportError, AttributeError):
            return stand_in_for(module, name)


def _pickle(file: BinaryIO) -> object:
    return AnythingUnpickler(file).load()


def _joblib(file: BinaryIO) -> object:
    try:
        from joblib import load  # noqa: PLC0415  optional
        from joblib.numpy_pickle import NumpyUnpickler  # noqa: PLC0415  optional
    except ImportError as error:
        raise _missing("sklearn", "a file of joblib") from error
    find: Callable[[Any, str, str], Any] = NumpyUnpickler.find_class

    def find_class(self: Any, module: str, name: str) -> Any:  # noqa: ANN401  as the method it replaces
        if (module, name) in _RECONSTRUCTORS:
            return reconstruct
        try:
            return find(self, module, name)
        except (ImportError, AttributeError):
            return stand_in_for(module, name)

    NumpyUnpickler.find_class = find_class
    return load(file)


def _torch(file: BinaryIO) -> object:
    try:
        import torch  # noqa: PLC0415  optional
    except ImportError as error:
        raise _missing("torch", "a checkpoint of PyTorch") from error
    unpickling = SimpleNamespace(
        __name__="pickle",
        Unpickler=AnythingUnpickler,
        UnpicklingError=pickle.UnpicklingError,
        load=lambda source, **_: AnythingUnpickler(source).load(),
    )
    return torch.load(file, map_location="cpu", weights_only=False, pickle_module=unpickling)


def _numpy(file: BinaryIO) -> object:
    try:
        import numpy as np  # noqa: PLC0415  optional
    except ImportError as error:
        raise _missing("numpy", "a NumPy file") from error
    found = np.load(file, allow_pickle=True)
    return found if isinstance(found, np.ndarray) else {name: found[name] for name in found}


_READERS: Final[Mapping[FileFormat, Callable[[BinaryIO], object]]] = MappingProxyType(
    {
        FileFormat.PICKLE: _pickle,
        FileFormat.JOBLIB: _joblib,
        **dict.fromkeys(COMPRESSED, _joblib),
        **dict.fromkeys(CHECKPOINTS, _torch),
        **dict.fromkeys(ARRAYS, _numpy),
    }
)


def _missing(extra: str, what: str) -> MissingExtraError:
    return MissingExtraError.for_extra(extra, purpose=f"opening {what} without a judgement")
