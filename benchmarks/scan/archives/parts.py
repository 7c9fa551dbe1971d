"""Payloads, and the archives that carry them."""

import importlib
import io
import os
import pickle
import tarfile
import zipfile
from typing import Any, Final, Literal

from benchmarks.scan.assemble import Call, Ref, stream
from benchmarks.scan.samples import SHELL

DATE: Final = (1980, 1, 1, 0, 0, 0)

PAYLOAD: Final = stream(Call(Ref("os", "system"), (SHELL,)), protocol=2)

BENIGN: Final = pickle.dumps({"weights": [1.0, 2.0]}, 2)


class Payload:
    """Runs the inert command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (SHELL,)


def framework(name: str) -> Any:
    """Return a framework that has to be there."""
    return importlib.import_module(name)


def zipped(
    members: list[tuple[str, bytes]],
    *,
    method: int = zipfile.ZIP_STORED,
    before: bytes = b"",
    comment: bytes = b"",
) -> bytes:
    """Return a zip; names may repeat."""
    stream_ = io.BytesIO()
    with zipfile.ZipFile(stream_, "w", method) as archive:
        archive.comment = comment
        for name, data in members:
            info = zipfile.ZipInfo(name, DATE)
            info.compress_type = method
            archive.writestr(info, data)
    return before + stream_.getvalue()


def tarred(
    members: list[tuple[str, bytes]], *, mode: Literal["w", "w:gz", "w:bz2", "w:xz"] = "w"
) -> bytes:
    """Return a tar; names may repeat."""
    stream_ = io.BytesIO()
    with tarfile.open(fileobj=stream_, mode=mode) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream_.getvalue()


def saved(value: object, **options: object) -> bytes:
    """Return what `torch.save` writes."""
    stream_ = io.BytesIO()
    framework("torch").save(value, stream_, **options)
    return stream_.getvalue()


def members_of(data: bytes) -> list[tuple[str, bytes]]:
    """Return the members of a zip by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(info.filename, archive.read(info)) for info in archive.infolist()]
