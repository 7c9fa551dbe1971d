"""The worker's loop, without a process of its own."""

import errno
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.torch_files import checkpoint, small_checkpoint, state, vector
from weighbridge.convert.plan import SharedTensors
from weighbridge.convert.planning import Order
from weighbridge.convert.worker import serve as module
from weighbridge.convert.worker import wire
from weighbridge.convert.worker.serve import serve
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError, LimitExceededError
from weighbridge.sandbox.frames import receive_frame, send_frame

pytestmark = pytest.mark.skipif(not hasattr(socket, "send_fds"), reason="no such sockets here")

DATA = small_checkpoint()


def order(data: bytes = DATA) -> Order:
    """Return an order for a checkpoint with these bytes."""
    return Order(
        path="a.bin",
        target="a.safetensors",
        where="a.bin",
        format=FileFormat.TORCH_ZIP,
        size=len(data),
        key=None,
        tensors_only=False,
        shared=SharedTensors.COPY,
    )


@contextmanager
def serving() -> Iterator[socket.socket]:
    """Give the talk with a worker, which is a thread."""
    ours, theirs = socket.socketpair()
    worker = threading.Thread(target=serve, args=(theirs,))
    worker.start()
    with theirs:
        try:
            yield ours
        finally:
            ours.close()
            worker.join()


def asked(talk: socket.socket, kind: bytes, payload: bytes, place: Path, flags: int) -> None:
    """Order something about the file *place*."""
    descriptor = os.open(place, flags)
    send_frame(talk, kind, payload)
    socket.send_fds(talk, [b"\0"], [descriptor])
    os.close(descriptor)


def planned(talk: socket.socket, place: Path, data: bytes = DATA) -> tuple[bytes, bytes]:
    """Return the answer to an order for a plan."""
    place.write_bytes(data)
    asked(talk, wire.PLAN, wire.encode_order(order(data)), place, os.O_RDONLY)
    return receive_frame(talk, most=100_000)


def test_files_are_planned_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by its number, in any order; what was written is told in between."""
    monkeypatch.setattr(module, "CONVERT_WINDOW_BYTES", 8)
    with serving() as talk:
        answers = [planned(talk, tmp_path / f"{number}.bin") for number in range(2)]
        assert [kind for kind, _ in answers] == [wire.PLANNED, wire.PLANNED]
        found = wire.decode_planned(answers[0][1], order())
        for number in (1, 0):
            target = tmp_path / f"{number}.safetensors"
            target.touch()
            asked(talk, wire.WRITE, wire.encode_count(number), target, os.O_WRONLY)
            told = [receive_frame(talk, most=100) for _ in range(3)]
            assert [kind for kind, _ in told] == [wire.ADVANCED, wire.ADVANCED, wire.WRITTEN]
            assert sum(wire.decode_count(count) for _, count in told[:2]) == found.tensor_bytes
            assert target.read_bytes().startswith(found.header)
            assert target.stat().st_size == found.size


def test_an_error_is_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours, the system's and that of memory; the worker goes on."""
    with serving() as talk:
        kind, payload = planned(talk, tmp_path / "a.bin", checkpoint(state(), {}))
        assert kind == wire.FAILED
        assert isinstance(wire.decode_failure(payload), ArtifactRefusedError)
        assert planned(talk, tmp_path / "a.bin")[0] == wire.PLANNED
        asked(talk, wire.WRITE, wire.encode_count(0), tmp_path / "a.bin", os.O_RDONLY)
        kind, payload = receive_frame(talk, most=1000)
        error = wire.decode_failure(payload)
        assert isinstance(error, OSError)
        assert error.errno == errno.EBADF
        assert kind == wire.FAILED

        def short(*_: object) -> None:
            raise MemoryError

        monkeypatch.setattr(module, "make_plan", short)
        data = checkpoint(state(a=vector("0", 1)), {"0": bytes(4)})
        found = wire.decode_failure(planned(talk, tmp_path / "a.bin", data)[1])
        assert isinstance(found, LimitExceededError)
        assert found.code is Code.LIMIT_EXCEEDED
        assert found.where == "a.bin"
