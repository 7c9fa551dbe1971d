"""The worker's loop and the sources that it reads from, without a process of its own."""

import os
import socket
import threading
from pathlib import Path

import pytest

from support import pickles as p
from weighbridge.core.artifact import FileFormat
from weighbridge.core.errors import ArtifactChangedError
from weighbridge.sandbox.frames import HangUpError, receive_frame, send_frame
from weighbridge.scan.worker import wire
from weighbridge.scan.worker.serve import DescriptorSource, ServedSource, serve

PAYLOAD = p.proto(2) + b"cos\nsystem\n."


def order_for(data: bytes, content: wire.Content) -> bytes:
    """Return an order about *data*."""
    order = wire.Order(
        path="a",
        format=FileFormat.PICKLE,
        name="a",
        suffix_format=None,
        size=len(data),
        seconds=20,
        careful=False,
        content=content,
    )
    return wire.encode_order(order, data=data if content is wire.Content.INLINE else b"")


def test_serve() -> None:
    """Files are examined in turn until nobody is there any more."""
    ours, theirs = socket.socketpair()
    worker = threading.Thread(target=serve, args=(theirs,))
    worker.start()
    with ours, theirs:
        send_frame(ours, wire.FILES, wire.encode_files({"a": 1}, {}))
        for _ in range(2):
            send_frame(ours, wire.EXAMINE, order_for(PAYLOAD, wire.Content.INLINE))
            kind, report = receive_frame(ours, most=10_000)
            assert kind == wire.REPORT
            assert b"pickle-dangerous-global" in report
        send_frame(ours, wire.EXAMINE, order_for(PAYLOAD, wire.Content.SERVED))
        kind, payload = receive_frame(ours, most=10_000)
        assert (kind, wire.decode_read(payload, size=len(PAYLOAD))) == (
            wire.READ,
            (0, len(PAYLOAD)),
        )
        send_frame(ours, wire.BYTES, PAYLOAD)
        assert b"pickle-dangerous-global" in receive_frame(ours, most=10_000)[1]
        ours.shutdown(socket.SHUT_RDWR)
        worker.join()


def test_serve_descriptor(tmp_path: Path) -> None:
    """A file that comes as a descriptor is read and closed."""
    (tmp_path / "f").write_bytes(PAYLOAD)
    ours, theirs = socket.socketpair()
    worker = threading.Thread(target=serve, args=(theirs,))
    worker.start()
    with ours, theirs:
        send_frame(ours, wire.EXAMINE, order_for(PAYLOAD, wire.Content.DESCRIPTOR))
        with (tmp_path / "f").open("rb") as file:
            socket.send_fds(ours, [b"\0"], [file.fileno()])
        assert b"pickle-dangerous-global" in receive_frame(ours, most=10_000)[1]
        ours.shutdown(socket.SHUT_RDWR)
        worker.join()


class TestDescriptorSource:
    """A file by its descriptor."""

    def test_reads(self, tmp_path: Path) -> None:
        """Any part is read, as much as there is."""
        (tmp_path / "f").write_bytes(b"abcdef")
        source = DescriptorSource(os.open(tmp_path / "f", os.O_RDONLY), size=6)
        assert (source.size, source.read_at(1, 2), source.read_at(4, 9)) == (6, b"bc", b"ef")
        assert source.read_at(9, 1) == b""
        with pytest.raises(ValueError, match="negative"):
            source.read_at(-1, 1)
        source.close()

    def test_file_that_became_shorter(self, tmp_path: Path) -> None:
        """A file with fewer bytes than it should have is a changed one."""
        (tmp_path / "f").write_bytes(b"abc")
        source = DescriptorSource(os.open(tmp_path / "f", os.O_RDONLY), size=6)
        with pytest.raises(ArtifactChangedError):
            source.read_at(0, 6)
        source.close()


class TestServedSource:
    """A file whose bytes are asked for."""

    DATA = bytes(range(256)) * 40_000

    def run_with(self, data: bytes) -> tuple[ServedSource, list[tuple[int, int]], socket.socket]:
        """Return a source for which a thread answers, and what it was asked."""
        ours, theirs = socket.socketpair()
        asked: list[tuple[int, int]] = []

        def answer() -> None:
            try:
                while True:
                    _, payload = receive_frame(ours, most=100)
                    offset, length = wire.decode_read(payload, size=len(self.DATA))
                    asked.append((offset, length))
                    send_frame(ours, wire.BYTES, data[offset : offset + length])
            except HangUpError:
                ours.close()

        threading.Thread(target=answer, daemon=True).start()
        return ServedSource(theirs, size=len(self.DATA)), asked, theirs

    def test_small_reads_share_a_question(self) -> None:
        """Small reads near each other are answered by one question."""
        source, asked, talk = self.run_with(self.DATA)
        with talk:
            assert source.read_at(1000, 3) == self.DATA[1000:1003]
            assert source.read_at(2000, 30) == self.DATA[2000:2030]
            assert len(asked) == 1
            assert source.read_at(5, 2) == self.DATA[5:7]
            assert len(asked) == 2
            assert source.read_at(len(self.DATA) + 5, 1) == b""
            with pytest.raises(ValueError, match="negative"):
                source.read_at(0, -1)

    def test_large_read(self) -> None:
        """A large part is asked for in pieces."""
        source, asked, talk = self.run_with(self.DATA)
        with talk:
            assert source.read_at(1, 10 << 20) == self.DATA[1:]
        assert len(asked) == 3

    def test_fewer_bytes_than_there_should_be(self) -> None:
        """A file with fewer bytes than it should have is a changed one."""
        source, _, talk = self.run_with(self.DATA[:100])
        with talk, pytest.raises(ArtifactChangedError):
            source.read_at(0, 1000)
