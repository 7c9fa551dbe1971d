"""What the audit hook's events mean: the net below the entry points that were replaced."""

import io
import os
import stat
import sys
from types import FrameType
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.core.limits.sniffing import SNIFF_BYTES
from weighbridge.formats.sniff import sniff
from weighbridge.load.guard.scopes import Scope
from weighbridge.load.guard.watch import state
from weighbridge.scan.allowlist import Arguments, find_entry

_PROCESSES: Final = ("multiprocessing", "multiprocess")
_LOKY: Final = ("loky", "joblib.externals.loky")
_VLLM: Final = (
    "distributed.device_communicators.shm_broadcast",
    "distributed.device_communicators.shm_object_storage",
    "distributed.parallel_state",
    "distributed.utils",
    "model_executor.models.registry",
    "v1.executor.multiproc_executor",
)
EXCHANGES: Final = frozenset(
    [
        *(f"{name}.{part}" for name in _PROCESSES for part in ("connection", "queues", "spawn")),
        *("torch.multiprocessing.queue", "torch.multiprocessing.spawn"),
        *(f"{name}.backend.{part}" for name in _LOKY for part in ("queues", "popen_loky_posix")),
        *(f"{name}.cloudpickle_wrapper" for name in _LOKY),
        *(f"vllm.{part}" for part in _VLLM),
    ]
)
"""
Modules that unpickle what another process of the same program sent them.

Pools and executors are not among them: they call what the program tells them to, which may be
`pickle.loads` of the bytes of a model.
"""

_RENDEZVOUS: Final = "torch.distributed.elastic.rendezvous.dynamic_rendezvous"
LIMITED_EXCHANGES: Final = {
    _RENDEZVOUS: frozenset(
        [
            *(f"{_RENDEZVOUS}.{name}" for name in ("_NodeDesc", "_RendezvousState")),
            *(f"datetime.{name}" for name in ("datetime", "timedelta", "timezone")),
        ]
    )
}
"""
Modules that unpickle what other machines of the same program sent them, over a network that they
do not protect, and the names that they have a use for.
"""

READERS: Final = (io.BufferedReader, io.BufferedRandom, io.FileIO)
"""Files as `open` makes them: what they read is what is on disk."""

_OWN: Final = "weighbridge"
_IN_PLACE: Final = "weighbridge.load.guard."
_DEPTH: Final = 12
_PEELS: Final = ("fileobj", "_fp", "_fileobj", "raw", "buffer", "_file", "file", "_buffer")
_MARSHAL_USERS: Final = frozenset({"jinja2", "mako", "numba"})
"""Packages outside of the standard library that keep compiled code of their own as marshalled."""

_HARMLESS: Final = frozenset(
    {
        FileFormat.EMPTY,
        FileFormat.HTML,
        FileFormat.IMAGE,
        FileFormat.JSON,
        FileFormat.MEDIA,
        FileFormat.RAW_BYTES,
        FileFormat.TEXT,
        FileFormat.UNKNOWN,
        FileFormat.XML,
    }
)
"""What a file with a suffix that models share may be without being looked at as a model."""


def module_of(frame: FrameType | None) -> str:
    """Return the name of the module whose code runs in *frame*, also where it is `__main__`."""
    if frame is None:
        return ""
    name = str(frame.f_globals.get("__name__", ""))
    spec = frame.f_globals.get("__spec__") if name == "__main__" else None
    return str(getattr(spec, "name", name))


def is_exchange(module: str) -> bool:
    """Tell whether *module* unpickles only what processes of this program say to each other."""
    return module in EXCHANGES


def is_own_code(frame: FrameType | None) -> bool:
    """
    Tell whether code of this package has a hand in what happens in *frame*.

    What stands in the place of an entry point has none: it calls the original.
    """
    for _ in range(_DEPTH):
        if frame is None:
            return False
        module = module_of(frame)
        if module.partition(".")[0] == _OWN and not module.startswith(_IN_PLACE):
            return True
        frame = frame.f_back
    return False


def objection_to_name(
    module: object, name: object, scope: Scope | None, frame: FrameType | None
) -> str | None:
    """
    Say why an unpickler may not have *name* of *module*, or return None.

    Within a judged load it may have the names that the scan saw. Outside of all of them it was
    reached past the entry points, and gets what is harmless whatever it is called with.
    """
    dotted = f"{module}.{name}"
    if scope is not None:
        if scope.names is None or dotted in scope.names:
            return None
        return f"{dotted[:200]}, which the scan of {scope.what} did not see"
    while frame is not None and module_of(frame) == "pickle":
        frame = frame.f_back  # the unpickler in Python
    # Only who unpickles counts: all of a child's own code is called by `multiprocessing`.
    if is_exchange(module_of(frame)):
        return None
    entry = find_entry(dotted)
    if entry is not None and entry.args is Arguments.ALLOWED:
        return None
    return f"{dotted[:200]}, by an unpickler that the guard does not know"


def may_unmarshal(caller: str) -> bool:
    """Tell whether the module *caller* reads marshalled code of its own business."""
    package = caller.partition(".")[0]
    return package in sys.stdlib_module_names or package in _MARSHAL_USERS or package == _OWN


def descriptor_of(file: object) -> int | None:
    """Return the descriptor that *file* reads from in the end; None where there is none."""
    for _ in range(_DEPTH):
        number = _fileno(file)
        if number is not None:
            return number
        file = next(
            (inner for name in _PEELS if (inner := getattr(file, name, None)) is not None), None
        )
        if file is None:
            return None
    return None


def path_of(file: object) -> str | None:
    """Return the path of the regular file on disk that *file* reads in the end; None for others."""
    number = descriptor_of(file)
    if number is None:
        return None
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            return None
        path = os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        return None
    return path if path.startswith("/") and os.path.exists(path) else None


def _fileno(file: object) -> int | None:
    try:
        number = file.fileno()  # type: ignore[attr-defined]  # whatever a program calls a file
    except (AttributeError, OSError, ValueError, TypeError):
        return None
    return number if type(number) is int and number >= 0 else None


def looks_like_model(path: str) -> bool:
    """Tell whether the file at *path* starts as a model or as something that can carry code."""
    try:
        with state.open(path, "rb") as file:
            head = file.read(SNIFF_BYTES)
    except OSError:
        return True
    found = sniff(BytesSource(head), name=os.path.basename(path))
    return not _HARMLESS.issuperset((found.format, *found.also))
