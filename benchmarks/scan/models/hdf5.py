"""Keras' HDF5 files, and other things that HDF5 can do."""

import io
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.scan.models.parts import KERAS, framework
from benchmarks.scan.samples import Sample, single


def as_hdf5(base: bytes, config: str) -> bytes:
    """Return *base* with another model configuration."""
    h5py = framework("h5py")
    stream = io.BytesIO(base)
    with h5py.File(stream, "r+") as file:
        del file.attrs["model_config"]
        file.attrs["model_config"] = config
    return stream.getvalue()


def hdf5_files(base: bytes) -> Iterator[Sample]:
    """Yield HDF5 files that lead to other files."""
    h5py = framework("h5py")

    def changed(change: Callable[[Any], None], **options: Any) -> bytes:
        stream = io.BytesIO(base if not options else b"")
        with h5py.File(stream, "r+" if not options else "w", **options) as file:
            change(file)
        return stream.getvalue()

    def link(file: Any) -> None:
        file["x"] = h5py.ExternalLink("/etc/passwd", "/x")

    def storage(file: Any) -> None:
        file.create_dataset("x", (4,), dtype="u1", external=[("/etc/passwd", 0, 4)])

    def virtual(file: Any) -> None:
        layout = h5py.VirtualLayout(shape=(4,), dtype="u1")
        layout[:] = h5py.VirtualSource("/etc/passwd.h5", "x", shape=(4,))
        file.create_virtual_dataset("x", layout)

    yield single(
        "hdf5-external-link",
        KERAS,
        "model.h5",
        changed(link),
        twin=base,
        references=("CVE-2026-1669",),
    )
    yield single(
        "hdf5-external-storage",
        KERAS,
        "model.h5",
        changed(storage),
        twin=base,
        references=("CVE-2026-1669",),
    )
    yield single("hdf5-virtual", KERAS, "model.h5", changed(virtual), twin=base)
    stream = io.BytesIO()
    with h5py.File(stream, "w", userblock_size=512) as file:
        file["x"] = 1
    data = stream.getvalue()
    yield single("hdf5-user-block", KERAS, "model.h5", b"cos\nsystem\n(S'x'\ntR." + data[20:])
    yield single("hdf5-truncated", KERAS, "model.h5", base[: len(base) // 2])
