"""Assembles PyTorch checkpoints without PyTorch, so that tests can say exactly what is in one."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from struct import pack

from support import pickles as p

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
REBUILD = p.name("torch._utils", "_rebuild_tensor_v2")
NO_HOOKS = p.call(p.name("collections", "OrderedDict"))


def integers(values: Sequence[int]) -> bytes:
    """Return a tuple of integers."""
    return p.tuple_of(*(p.integer(value) for value in values))


def storage(
    key: str, count: int, *, kind: bytes = p.name("torch", "FloatStorage"), legacy: bool = False
) -> bytes:
    """Return the persistent load of a storage of *count* elements."""
    parts = [p.text("storage"), kind, p.text(key), p.text("cpu"), p.integer(count)]
    return p.tuple_of(*parts, *([p.NONE] if legacy else [])) + p.BINPERSID


def tensor(
    where: bytes,
    shape: Sequence[int],
    strides: Sequence[int],
    *,
    offset: int = 0,
    hooks: bytes = NO_HOOKS,
    rest: Sequence[bytes] = (),
    rebuild: bytes = REBUILD,
) -> bytes:
    """Return a tensor on the storage *where*."""
    return p.call(
        rebuild,
        where,
        p.integer(offset),
        integers(shape),
        integers(strides),
        p.FALSE,
        hooks,
        *rest,
    )


def vector(key: str, count: int, *, legacy: bool = False) -> bytes:
    """Return a vector that is the whole storage *key*."""
    return tensor(storage(key, count, legacy=legacy), [count], [1])


def state(**values: bytes) -> bytes:
    """Return a dict from names to *values*."""
    return p.dict_of(*(part for key, value in values.items() for part in (p.text(key), value)))


def floats(*values: float) -> bytes:
    """Return the bytes of float32 numbers."""
    return pack(f"<{len(values)}f", *values)


def checkpoint(
    result: bytes,
    storages: Mapping[str, bytes] | None = None,
    *,
    members: Mapping[str, bytes] | None = None,
    compressed: bool = False,
    prefix: str = "archive",
    after: bytes = b"",
) -> bytes:
    """Return a zip checkpoint whose pickle leaves *result*; *members* are added or replaced."""
    files = {"data.pkl": p.stream(result) + after, "byteorder": b"little", "version": b"3\n"}
    files |= {f"data/{key}": data for key, data in (storages or {}).items()}
    files |= members or {}
    buffer = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            # With the time of day, the bytes of a test's archive would differ from run to run.
            info = zipfile.ZipInfo(f"{prefix}/{name}")
            archive.writestr(info, data, compress_type=method)
    return buffer.getvalue()


def small_checkpoint() -> bytes:
    """Return a checkpoint with the tensors `bias`, of two numbers, and `weight`, of four."""
    return checkpoint(
        state(bias=vector("0", 2), weight=vector("1", 4)),
        {"0": floats(0.5, -0.5), "1": floats(0.0, 0.25, 0.5, 0.75)},
    )


def legacy_checkpoint(
    result: bytes,
    storages: Mapping[str, tuple[int, bytes]],
    *,
    magic: int = LEGACY_MAGIC,
    protocol: int = 1001,
    keys: bytes | None = None,
    after: bytes = b"",
) -> bytes:
    """Return a legacy checkpoint; each storage is its number of elements and its bytes."""
    listed = p.list_of(*(p.text(key) for key in storages)) if keys is None else keys
    head = [
        p.stream(p.integer(magic)),
        p.stream(p.integer(protocol)),
        p.stream(p.dict_of(p.text("little_endian"), p.TRUE)),
        p.stream(result),
        p.stream(listed),
    ]
    tail = [pack("<q", count) + data for count, data in storages.values()]
    return b"".join(head + tail) + after
