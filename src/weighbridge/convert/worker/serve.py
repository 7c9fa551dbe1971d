"""What runs in a confined worker: plan checkpoints, and write what was planned."""

import os
import socket
from collections.abc import Callable
from functools import partial
from typing import Final

from weighbridge.convert.plan import Plan
from weighbridge.convert.planning import Order, make_plan
from weighbridge.convert.worker import wire
from weighbridge.convert.writing import write_planned
from weighbridge.core.errors import LimitExceededError, WeighbridgeError
from weighbridge.core.limits.converting import CONVERT_BLOCK_BYTES, CONVERT_WINDOW_BYTES
from weighbridge.sandbox.frames import HangUpError, receive_frame, send_frame

_ANY: Final = 2**32
"""Orders come from whoever started this process, and have no bound of their own."""

Answer = tuple[bytes, bytes]


def serve(talk: socket.socket, /) -> None:
    """Plan and write as *talk* orders until it is closed; a `sandbox.interface.Serve`."""
    plans: list[Plan] = []
    while True:
        try:
            kind, payload = receive_frame(talk, most=_ANY)
            _byte, (descriptor,), _flags, _address = socket.recv_fds(talk, 1, 1)
            if kind == wire.PLAN:
                order = wire.decode_order(payload)
                answer = _attempted(partial(_plan, plans, order, descriptor), where=order.where)
            else:
                plan = plans[wire.decode_count(payload)]
                answer = _attempted(partial(_write, talk, plan, descriptor), where=plan.file.source)
            send_frame(talk, *answer)
        except HangUpError:
            return


def _attempted(action: Callable[[], Answer], *, where: str) -> Answer:
    """Return the answer of *action*, or what went wrong."""
    try:
        return action()
    except (WeighbridgeError, OSError) as error:
        return wire.FAILED, wire.encode_failure(error)
    except MemoryError:
        short = "the checkpoint takes more memory than a conversion may have"
        return wire.FAILED, wire.encode_failure(LimitExceededError(short, where=where))


def _plan(plans: list[Plan], order: Order, descriptor: int) -> Answer:
    # The descriptor stays: the plan reads from it.
    plan = make_plan(order, descriptor)
    plans.append(plan)
    return wire.PLANNED, wire.encode_planned(plan.file)


def _write(talk: socket.socket, plan: Plan, descriptor: int) -> Answer:
    untold = 0

    def advance(count: int) -> None:
        nonlocal untold
        untold += count
        if untold >= CONVERT_WINDOW_BYTES:
            tell()

    def tell() -> None:
        nonlocal untold
        if untold:
            send_frame(talk, wire.ADVANCED, wire.encode_count(untold))
            untold = 0

    with os.fdopen(descriptor, "wb", buffering=CONVERT_BLOCK_BYTES) as file:
        write_planned(file, plan, advance=advance)
    tell()
    return wire.WRITTEN, b""
