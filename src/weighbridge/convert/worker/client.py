"""
Converters: confined processes that plan and write, or this process where there are none.

A worker is given open files and nothing else: checkpoints to read, one new file at a time to write
to, no larger than it is planned. One that dies, hangs or talks nonsense is ended, and an error:
what it was to write is no result.
"""

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import BinaryIO, Final, Protocol, Self

from weighbridge.convert.plan import Plan, PlannedFile, room_for
from weighbridge.convert.planning import Order, make_plan
from weighbridge.convert.worker import wire
from weighbridge.convert.writing import write_planned
from weighbridge.core.errors import OperationError
from weighbridge.core.limits.converting import (
    CONVERT_BYTES_PER_SECOND,
    CONVERT_MEMORY_BYTES,
    CONVERT_MEMORY_RATIO,
    CONVERT_SECONDS,
    MAX_CONVERT_ANSWER_BYTES,
    MAX_CONVERT_FILES,
)
from weighbridge.core.limits.weights import MAX_SAFETENSORS_HEADER_BYTES
from weighbridge.sandbox import failures
from weighbridge.sandbox.frames import (
    FrameError,
    HangUpError,
    SilenceError,
    receive_frame,
    send_frame,
)
from weighbridge.sandbox.interface import Allowance, Confinement
from weighbridge.sandbox.launcher import Launcher, Worker, is_supported

TARGET: Final = "weighbridge.convert.worker.serve:serve"

_OTHER_FILES: Final = 64
"""Descriptors of a process besides the checkpoints."""


class Converter(Protocol):
    """Plans checkpoints, and writes what it has planned; not by several threads at once."""

    @property
    def confinement(self) -> Confinement:
        """What it is kept to."""
        ...

    def plan(self, order: Order, descriptor: int, /) -> PlannedFile:
        """
        Return what the checkpoint becomes that is open as *descriptor* until it is written.

        Raises:
            WeighbridgeError: As `make_plan`, or there is no answer that counts.
        """
        ...

    def write(
        self, planned: PlannedFile, file: BinaryIO, /, *, advance: Callable[[int], None]
    ) -> None:
        """
        Write what was *planned* to the empty *file*.

        Raises:
            WeighbridgeError, OSError: As `write_planned`, or there is no answer that counts.
        """
        ...

    def abandon(self) -> None:
        """Have `write` and `plan` return with an error as soon as they can; from any thread."""
        ...

    def finish(self) -> None:
        """
        Let go of every file.

        Raises:
            IndeterminateError: Nobody knows that a process has; what it wrote may change.
        """
        ...


class Converters:
    """
    As many converters as there is work for; a context that ends them.

    Args:
        sizes: Bytes of each checkpoint.
        most: How many at a time.
    """

    def __init__(self, sizes: Iterable[int], *, most: int) -> None:
        self._most = max(1, most)
        self._made: list[Converter] = []
        self._shares: list[list[PlannedFile]] = []
        self._ends = ExitStack()
        self._launcher: Launcher | None = None
        if is_supported():
            self._launcher = Launcher(TARGET, allowance=_allowance(tuple(sizes)))
            self._ends.callback(self._launcher.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_ended: object) -> None:
        self.close()

    def finish(self) -> None:
        """
        Have every converter let go of its files: what was written stays as it is then.

        Raises:
            IndeterminateError: See `Converter.finish`.
        """
        for each in self._made:
            each.finish()

    def close(self) -> None:
        """End every process."""
        self._ends.close()

    @property
    def confinement(self) -> Confinement | None:
        """What they are kept to, as far as all are; None before there is one."""
        found = [each.confinement for each in self._made]
        return next((each for each in found if not each.is_complete), found[0] if found else None)

    @property
    def shares(self) -> tuple[tuple[Converter, tuple[PlannedFile, ...]], ...]:
        """What each is going to write: the files that it has planned."""
        pairs = zip(self._made, self._shares, strict=True)
        return tuple((each, tuple(files)) for each, files in pairs)

    def plan(self, order: Order, descriptor: int, /) -> PlannedFile:
        """Have a checkpoint planned by a new one, or the one with the least to write."""
        if len(self._made) < self._most:
            self._made.append(self._start())
            self._shares.append([])
        loads = [sum(file.size for file in share) for share in self._shares]
        index = loads.index(min(loads))
        planned = self._made[index].plan(order, descriptor)
        self._shares[index].append(planned)
        return planned

    def abandon(self) -> None:
        """Have all that any of them does return with an error as soon as it can."""
        for each in self._made:
            each.abandon()

    def _start(self) -> Converter:
        if self._launcher is None:
            return _Unconfined()
        return _Confined(self._launcher.start())


def _allowance(sizes: tuple[int, ...]) -> Allowance:
    largest = max(sizes, default=0)
    seconds = CONVERT_SECONDS + sum(map(room_for, sizes)) / CONVERT_BYTES_PER_SECOND
    return Allowance(
        memory_bytes=CONVERT_MEMORY_BYTES + CONVERT_MEMORY_RATIO * largest,
        cpu_seconds=min(int(seconds), _MOST_SECONDS),
        open_files=MAX_CONVERT_FILES + _OTHER_FILES,
        file_bytes=room_for(largest) + MAX_SAFETENSORS_HEADER_BYTES + _LENGTH_BYTES,
    )


_MOST_SECONDS: Final = 2**32 - 1
_LENGTH_BYTES: Final = 8


class _Unconfined:
    """Converts in this process."""

    def __init__(self) -> None:
        self._plans: dict[str, Plan] = {}

    @property
    def confinement(self) -> Confinement:
        """Nothing at all."""
        return Confinement(enforced=frozenset())

    def plan(self, order: Order, descriptor: int, /) -> PlannedFile:
        """Plan it here."""
        plan = make_plan(order, descriptor)
        self._plans[order.target] = plan
        return plan.file

    def write(
        self, planned: PlannedFile, file: BinaryIO, /, *, advance: Callable[[int], None]
    ) -> None:
        """Write it here."""
        write_planned(file, self._plans[planned.target], advance=advance)

    def abandon(self) -> None:
        """Do nothing: what *advance* raises ends the writing."""

    def finish(self) -> None:
        """Do nothing: files are let go of when they are written."""


class _Confined:
    """Has a confined process convert."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._talk = worker.talk
        self._numbers: dict[str, int] = {}

    @property
    def confinement(self) -> Confinement:
        """What the process is kept to."""
        return self._worker.confinement

    def abandon(self) -> None:
        """End the talk with it."""
        with suppress(OSError):
            self._talk.shutdown(socket.SHUT_RDWR)

    def finish(self) -> None:
        """End the process, and wait until it has ended."""
        found = self._worker.end()
        if not self._worker.reaped:
            raise failures.ended(next(iter(self._numbers), ""), found=f"that it {found}")

    def plan(self, order: Order, descriptor: int, /) -> PlannedFile:
        """Have it planned, and hold the plan against what such a checkpoint may become."""
        with self._failing(order.where):
            until = self._order(wire.PLAN, wire.encode_order(order), descriptor, size=order.size)
            try:
                payload = self._answer(wire.PLANNED, until=until)
            except OSError as error:
                raise OperationError(
                    f"the checkpoint cannot be read: {error.strerror or error}", where=order.where
                ) from error
            planned = wire.decode_planned(payload, order)
        self._numbers[order.target] = len(self._numbers)
        return planned

    def write(
        self, planned: PlannedFile, file: BinaryIO, /, *, advance: Callable[[int], None]
    ) -> None:
        """Have it written, into *file* and no further than it is planned."""
        self._worker.limit_files(planned.size)
        left = planned.tensor_bytes
        with self._failing(planned.target):
            number = wire.encode_count(self._numbers[planned.target])
            until = self._order(wire.WRITE, number, file.fileno(), size=planned.size)
            while (payload := self._answer(wire.WRITTEN, wire.ADVANCED, until=until)) != b"":
                count = wire.decode_count(payload)
                left -= count
                if count == 0 or left < 0:
                    raise ValueError("more bytes than were planned")
                advance(count)

    def _order(self, kind: bytes, payload: bytes, descriptor: int, *, size: int) -> float:
        """Order something; return until when it has to be done."""
        seconds = CONVERT_SECONDS + size / CONVERT_BYTES_PER_SECOND
        self._talk.settimeout(seconds)
        send_frame(self._talk, kind, payload)
        try:
            socket.send_fds(self._talk, [b"\0"], [descriptor])
        except OSError as error:
            raise HangUpError("the worker is gone") from error
        return time.monotonic() + seconds

    def _answer(self, *wanted: bytes, until: float) -> bytes:
        """
        Return the payload of the next message.

        Raises:
            FrameError: There is none.
            ValueError: It is another one than *wanted*.
            WeighbridgeError, OSError: What it reports instead.
        """
        kind, payload = receive_frame(self._talk, most=MAX_CONVERT_ANSWER_BYTES, until=until)
        if kind == wire.FAILED:
            raise wire.decode_failure(payload)
        if kind not in wanted or (kind == wire.WRITTEN) != (payload == b""):
            raise ValueError("a message that was not asked for")
        return payload

    @contextmanager
    def _failing(self, where: str) -> Iterator[None]:
        """Make of a process that gives no answer, or none that counts, its end and an error."""
        try:
            yield
        except (FrameError, ValueError) as error:
            found = self._worker.end()
            match error:
                case SilenceError():
                    raise failures.took_too_long(where) from error
                case HangUpError():
                    raise failures.ended(where, found=f"that it {found}") from error
                case _:
                    raise failures.no_answer(where, found=str(error)) from error
