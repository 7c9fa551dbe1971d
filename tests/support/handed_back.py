"""What a confined process hands back: made honestly here, or written by hand as a liar would."""

import io
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from weighbridge.core.artifact import FileFormat
from weighbridge.core.errors import WeighbridgeError
from weighbridge.load.held import HeldFile
from weighbridge.load.isolated.building import AsArrays
from weighbridge.load.isolated.child import extensions
from weighbridge.load.isolated.collecting import Collector, write_error
from weighbridge.load.isolated.describing import Describer
from weighbridge.load.isolated.layout import ALIGNMENT, HEAD, MAGIC
from weighbridge.load.isolated.parent import Opened, Opening, open_isolated
from weighbridge.load.isolated.reading import AsStored, Build, read_result
from weighbridge.load.memory import InlineMemory

ROOM = 1 << 24
WHERE = "model.pkl"


def held(data: bytes) -> HeldFile:
    """Return *data* as a held file."""
    return HeldFile(InlineMemory(data))


@contextmanager
def memory_file() -> Iterator[int]:
    """Give the descriptor of an empty memory file."""
    descriptor = os.memfd_create("test")
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def written(write: Callable[[int], None]) -> bytes:
    """Return what *write* writes to a descriptor."""
    with memory_file() as descriptor:
        write(descriptor)
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def told(value: object, *, room: int = ROOM) -> bytes:
    """Return the bytes by which an honest process hands back *value*."""
    collector = Collector(room=room)
    wire = Describer(collector, extensions(placed=False)).describe(value)
    return written(lambda descriptor: collector.write(wire, descriptor))


def told_error(error: WeighbridgeError) -> bytes:
    """Return the bytes by which an honest process reports *error*."""
    return written(lambda descriptor: write_error(error, descriptor))


def read(data: bytes, *, build: Build | None = None) -> object:
    """Return what is read of *data*."""
    return read_result(held(data), build or AsStored(), where=WHERE)


def round_trip(value: object) -> object:
    """Return *value* as it comes back, arrays built."""
    return read(told(value), build=AsArrays())


def by_hand(head: object, data: bytes = b"") -> bytes:
    """Return bytes with this head and data, whatever they say."""
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    start = HEAD.pack(MAGIC, len(text)) + text
    return start + bytes(-len(start) % ALIGNMENT) + data


def value_head(value: object, *nodes: object, size: int = 0) -> list[object]:
    """Return a head that hands back *value*."""
    return ["value", value, list(nodes), size]


def opened(
    content: object,
    *,
    engine: str | None = None,
    judged: bool = False,
    how: Opening | None = None,
    file_format: FileFormat = FileFormat.PICKLE,
) -> Opened:
    """Have the pickle of *content*, or the bytes that it is, opened behind walls."""
    data = content if isinstance(content, bytes) else pickle.dumps(content)
    return open_isolated(
        held(data),
        file_format,
        how or Opening(judged=judged, engine=engine),
        name=WHERE,
        where=WHERE,
        build=AsArrays(),
    )


_IMPORTED = """
import sys
from support.handed_back import opened
opened(sys.stdin.buffer.read(), judged=sys.argv[1] == "judged")
print(*(name for name in sys.argv[2:] if name in sys.modules))
"""


def imported_for(data: bytes, mode: str, *names: str) -> list[str]:
    """Return which modules of *names* a process has imported that had the pickle *data* opened."""
    places = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTED, mode, *names],
        input=data,
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": places},
    )
    return done.stdout.decode().split()


def unpickled(data: bytes) -> object:
    """Return what the unpickler of unjudged pickles makes of *data*, here and without walls."""
    from weighbridge.load.isolated.opening import AnythingUnpickler  # noqa: PLC0415  it pickles

    return AnythingUnpickler(io.BytesIO(data)).load()
