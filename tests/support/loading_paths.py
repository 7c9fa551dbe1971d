"""
Ways by which five frameworks come to unpickle what is in a file, or to run code that it carries.

"The Art of Hide and Seek" (arXiv 2508.19774) counts 22 such loading paths in five frameworks. The
paths here were found by reading the frameworks: every function of theirs that unpickles a file, for
each form that the file may have. docs/guard.md has them as a table.

Each way has a writer, which is called where the framework is, and an expression that loads.
"""

import bz2
import gzip
import importlib.util
import io
import lzma
import os
import pickle
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.markers import Call, leave_mark

Write = Callable[[Path, Any], None]
"""Writes a value to a file so that the way loads it."""

IMPORTS = {
    "NumPy": "import numpy as np",
    "joblib": "import joblib",
    "PyTorch": "import torch\nimport torch.distributed.checkpoint as dcp\n"
    "import torch.distributed.checkpoint.format_utils",
    "Keras": "import keras",
    "NeMo": "import tarfile, tempfile\nimport torch",
}
MODULES = {"NumPy": "numpy", "joblib": "joblib", "PyTorch": "torch", "Keras": "keras"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadingPath:
    """
    A way to a pickle.

    Attributes:
        framework: Whose function it is.
        what: The function and the form of the file, for the table.
        file: The name of the file.
        write: Writes one.
        load: An expression of Python that loads the file `path`, a string.
        signed: Whether a signed file loads; if not, even that is denied.
    """

    framework: str
    what: str
    file: str
    write: Write
    load: str
    signed: bool = True

    @property
    def is_here(self) -> bool:
        """Whether the framework is installed."""
        module = MODULES.get(self.framework, "torch")
        return importlib.util.find_spec(module) is not None


def _packed(pack: Callable[[bytes], bytes]) -> Write:
    def write(path: Path, value: Any) -> None:
        path.write_bytes(pack(pickle.dumps(value)))

    return write


def _array(value: Any) -> Any:
    import numpy as np  # noqa: PLC0415

    array = np.empty(1, dtype=object)
    array[0] = value
    return array


def _npy(path: Path, value: Any) -> None:
    import numpy as np  # noqa: PLC0415

    with path.open("wb") as file:
        np.save(file, _array(value), allow_pickle=True)


def _npz(path: Path, value: Any) -> None:
    import numpy as np  # noqa: PLC0415

    with path.open("wb") as file:
        np.savez(file, x=_array(value))


def _joblib(**options: Any) -> Write:
    def write(path: Path, value: Any) -> None:
        import joblib  # noqa: PLC0415

        joblib.dump(value, path, **options)

    return write


def _joblib_array(path: Path, value: Any) -> None:
    import joblib  # noqa: PLC0415

    joblib.dump({"x": _array(value)}, path)


def _zfile(path: Path, value: Any) -> None:
    from joblib.numpy_pickle_compat import write_zfile  # noqa: PLC0415

    with path.open("wb") as file:
        write_zfile(file, pickle.dumps(value))


def _beside(path: Path, value: Any) -> None:
    """Write an array in a file beside the pickle, as joblib before 0.10 did."""
    from joblib.numpy_pickle_compat import NDArrayWrapper  # noqa: PLC0415

    _npy(path.with_name("array.npy"), value)
    import numpy as np  # noqa: PLC0415

    path.write_bytes(
        b"ZF"
        + hex(len(data := pickle.dumps(NDArrayWrapper("array.npy", np.ndarray, allow_mmap=False))))
        .ljust(19)
        .encode()
        + zlib.compress(data)
    )


def _torch(**options: Any) -> Write:
    def write(path: Path, value: Any) -> None:
        import torch  # noqa: PLC0415

        torch.save({"w": torch.arange(2.0), "x": value}, path, **options)

    return write


def _torch_tar(path: Path, value: Any) -> None:
    members = {
        "storages": pickle.dumps(0, 2) + pickle.dumps([], 2),
        "tensors": pickle.dumps(0, 2),
        "pickle": pickle.dumps(value, 2),
    }
    with tarfile.open(path, "w:", format=tarfile.PAX_FORMAT) as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def _package(path: Path, value: Any) -> None:
    from torch.package import PackageExporter  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the format is on its way out
        with PackageExporter(str(path)) as exporter:
            exporter.extern("**")
            exporter.save_pickle("kept", "value.pkl", value)


def _exported(path: Path, value: Any) -> None:
    """Write a program whose example inputs are *value*, which are unpickled without limits."""
    import torch  # noqa: PLC0415

    class Plus(torch.nn.Module):  # type: ignore[misc, unused-ignore]  # no types here
        def forward(self, given: Any) -> Any:
            return given + 1

    written = io.BytesIO()
    torch.export.save(torch.export.export(Plus(), (torch.ones(2),)), written)
    changed = io.BytesIO()
    torch.save(((torch.ones(2),), {}) if not isinstance(value, Call) else value, changed)
    with zipfile.ZipFile(written) as old, zipfile.ZipFile(path, "w") as new:
        for member in old.infolist():
            data = old.read(member)
            if "sample_inputs" in member.filename:
                data = changed.getvalue()
            new.writestr(member.filename, data)


def _distributed(path: Path, value: Any) -> None:
    """Write a checkpoint in a directory, whose metadata are a pickle."""
    import torch  # noqa: PLC0415
    import torch.distributed.checkpoint as dcp  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of one process, about itself
        dcp.save({"w": torch.arange(2.0)}, checkpoint_id=path.parent)
    if isinstance(value, Call):
        path.write_bytes(pickle.dumps(value))


def _lambda(path: Path, value: Any) -> None:
    """Write a model with a layer that is code, which leaves the mark when it is loaded."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras  # noqa: PLC0415

    function: Callable[[Any], Any] = lambda x: x  # noqa: E731  a layer's function has to be one
    layer = keras.layers.Lambda(function, output_shape=(2,))
    model = keras.Sequential([keras.Input((2,)), layer])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the backend, about itself
        model.save(path)
    del value  # the code is denied, whatever it does


def _nemo(path: Path, value: Any) -> None:
    checkpoint = path.with_name("model_weights.ckpt")
    _torch()(checkpoint, value)
    with tarfile.open(path, "w:gz") as archive:
        archive.add(checkpoint, arcname="./model_weights.ckpt")
    checkpoint.unlink()


_NUMPY = (
    LoadingPath(
        framework="NumPy",
        what="`numpy.load` of a pickle of any name",
        file="plain",
        write=_packed(bytes),
        load="np.load(path, allow_pickle=True)",
    ),
    LoadingPath(
        framework="NumPy",
        what="`numpy.load` of an `.npy` file of objects",
        file="x.npy",
        write=_npy,
        load="np.load(path, allow_pickle=True).tolist()",
    ),
    LoadingPath(
        framework="NumPy",
        what="`numpy.load` of an `.npz` archive of objects",
        file="x.npz",
        write=_npz,
        load="np.load(path, allow_pickle=True)['x'].tolist()",
    ),
    LoadingPath(
        framework="NumPy",
        what="`numpy.load` of an open file",
        file="y.npy",
        write=_npy,
        load="np.load(open(path, 'rb'), allow_pickle=True).tolist()",
    ),
    LoadingPath(
        framework="NumPy",
        what="`numpy.lib.format.read_array`",
        file="array",
        write=_npy,
        load="np.lib.format.read_array(open(path, 'rb'), allow_pickle=True).tolist()",
    ),
    LoadingPath(
        framework="NumPy",
        what="`numpy.lib.npyio.NpzFile`",
        file="archive",
        write=_npz,
        load="np.lib.npyio.NpzFile(open(path, 'rb'), allow_pickle=True)['x'].tolist()",
    ),
)
_JOBLIB = (
    *(
        LoadingPath(
            framework="joblib",
            what=f"`joblib.load` of a file packed with {name}" if name else "`joblib.load`",
            file=f"packed.{name or 'joblib'}",
            write=write,
            load="joblib.load(path)",
        )
        for name, write in {
            "": _joblib(),
            "zlib": _packed(zlib.compress),
            "gzip": _packed(gzip.compress),
            "bz2": _packed(bz2.compress),
            "xz": _packed(lzma.compress),
            "lzma": _packed(lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE)),
            "lz4": _joblib(compress="lz4"),
        }.items()
    ),
    LoadingPath(
        framework="joblib",
        what="`joblib.load` of an open file",
        file="open",
        write=_joblib(),
        load="joblib.load(open(path, 'rb'))",
    ),
    LoadingPath(
        framework="joblib",
        what="`joblib.load` with `mmap_mode`",
        file="mapped",
        write=_joblib(),
        load="joblib.load(path, mmap_mode='r')",
    ),
    LoadingPath(
        framework="joblib",
        what="`joblib.load` of arrays of objects, pickles in the pickle",
        file="array",
        write=_joblib_array,
        load="joblib.load(path)['x'].tolist()",
    ),
    LoadingPath(
        framework="joblib",
        what="`joblib.load` of a file of joblib before 0.10",
        file="old.joblib",
        write=_zfile,
        load="joblib.load(path)",
    ),
    LoadingPath(
        framework="joblib",
        what="`joblib.load` of such a file with an array beside it",
        file="beside.joblib",
        write=_beside,
        load="joblib.load(path)",
        signed=False,
    ),
)
_TORCH = (
    LoadingPath(
        framework="PyTorch",
        what="`torch.load` of an archive",
        file="w.pt",
        write=_torch(),
        load="torch.load(path, weights_only=False)['x']",
    ),
    LoadingPath(
        framework="PyTorch",
        what="`torch.load` of an archive, mapped",
        file="mapped.pt",
        write=_torch(),
        load="torch.load(path, weights_only=False, mmap=True)['x']",
    ),
    LoadingPath(
        framework="PyTorch",
        what="`torch.load` of an open file",
        file="open",
        write=_torch(),
        load="torch.load(open(path, 'rb'), weights_only=False)['x']",
    ),
    LoadingPath(
        framework="PyTorch",
        what="`torch.load` of a file of PyTorch before 1.6",
        file="legacy.pth",
        write=_torch(_use_new_zipfile_serialization=False),
        load="torch.load(path, weights_only=False)['x']",
    ),
    LoadingPath(
        framework="PyTorch",
        what="`torch.load` of a tar archive (before 0.1.10)",
        file="tar.pt",
        write=_torch_tar,
        load="torch.load(path, weights_only=False)",
    ),
    LoadingPath(
        framework="PyTorch",
        what="`torch.load` of a pickle, which is unpickled before it is looked at",
        file="plain.bin",
        write=_packed(bytes),
        load="torch.load(path, weights_only=False)",
        signed=False,
    ),
    LoadingPath(
        framework="PyTorch",
        what="`torch.package.PackageImporter.load_pickle`",
        file="package.pt",
        write=_package,
        load="torch.package.PackageImporter(path).load_pickle('kept', 'value.pkl')",
    ),
    LoadingPath(
        framework="PyTorch",
        what="`torch.export.load`, example inputs",
        file="program.pt2",
        write=_exported,
        load="torch.export.load(path).module()(torch.ones(2)).tolist()",
    ),
    LoadingPath(
        framework="PyTorch",
        what="`torch.distributed.checkpoint`, metadata",
        file=".metadata",
        write=_distributed,
        load="sorted(dcp.FileSystemReader(os.path.dirname(path)).read_metadata()"
        ".state_dict_metadata)",
    ),
    LoadingPath(
        framework="PyTorch",
        what="`torch.distributed.checkpoint.format_utils.torch_save_to_dcp`",
        file="converted.pt",
        write=_torch(),
        load="dcp.format_utils.torch_save_to_dcp(path, os.path.dirname(path) + '/../../out')",
    ),
    LoadingPath(
        framework="PyTorch",
        what="`torch.hub.load_state_dict_from_url`",
        file="state.pth",
        write=_torch(),
        load="torch.hub.load_state_dict_from_url('file:///gone', os.path.dirname(path),"
        " file_name='state.pth', weights_only=False)['x']",
    ),
    LoadingPath(
        framework="PyTorch",
        what="`torch.storage._load_from_bytes`, within pickles",
        file="storage.pt",
        write=_torch(),
        load="torch.storage._load_from_bytes(open(path, 'rb').read())['x']",
    ),
    LoadingPath(
        framework="PyTorch",
        what="`torch.utils.data`, decoders of samples",
        file="sample.pickle",
        write=_packed(bytes),
        load="torch.utils.data.datapipes.utils.decoder.basichandlers("
        "'pickle', open(path, 'rb').read())",
    ),
)
_KERAS = (
    LoadingPath(
        framework="Keras",
        what="`keras.saving.load_model` of `.keras`, a `Lambda` layer's code",
        file="lambda.keras",
        write=_lambda,
        load="keras.saving.load_model(path, safe_mode=False)",
        signed=False,
    ),
    LoadingPath(
        framework="Keras",
        what="`keras.saving.load_model` of `.h5`, a `Lambda` layer's code",
        file="lambda.h5",
        write=_lambda,
        load="keras.saving.load_model(path, safe_mode=False)",
        signed=False,
    ),
)
_NEMO = (
    LoadingPath(
        framework="NeMo",
        what="an archive is unpacked, then `torch.load` (as NeMo does)",
        file="x.nemo",
        write=_nemo,
        load="unpacked(path)['x']",
        signed=False,
    ),
)

PATHS = (*_NUMPY, *_JOBLIB, *_TORCH, *_KERAS, *_NEMO)
"""All of them; more than the paper counts."""


def evil_value(mark: Path) -> Call:
    """Return what calls an unknown function when it is unpickled, which makes the file *mark*."""
    return Call(leave_mark, mark)


def render_paths() -> str:
    """Return the table of docs/guard.md."""
    rows = [
        f"| {each.framework} | {each.what} | {'loads' if each.signed else 'not tried'} | denied |"
        for each in PATHS
    ]
    head = ["| of | what unpickles | signed | not signed, or harmful |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])
