"""What the relay of `weighbridge run` adds to a request, beside the same server reached plainly."""

import socket
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from benchmarks.cases.run import isolating
from benchmarks.measure import BenchmarkError, Figure, Result, run
from benchmarks.setting import KIB, Setting, model, weighbridge_beside

_QUESTION_BYTES: Final = 100
_ANSWER_BYTES: Final = 200
_SERIES: Final = 5


def measure(setting: Setting) -> Result:
    """Measure requests on an open connection and on new ones, in series that alternate."""
    result = Result(case="relay", title="a request to a server behind the relay, and plainly")
    quick = setting.sizes.start_rounds < 10
    plain, relayed = _free_ports()
    with (
        isolating(setting, f'network = "none", listen = [{relayed}]'),
        model(setting, sizes=(KIB,), suffix="safetensors") as root,
    ):
        run(weighbridge_beside(setting, root)[0])
        line = (str(setting.weighbridge), "run", str(root), "--policy", str(setting.policy))
        walled = (*line, "--engine", "bubblewrap", "--", *_program(setting, relayed))
        with _server(_program(setting, plain)), _server(walled):
            _compare(result, "open", _on_one, (plain, relayed), count=10 if quick else 3000)
            _compare(result, "new", _on_new_ones, (plain, relayed), count=10 if quick else 500)
    return result


def _compare(
    result: Result,
    kind: str,
    ask: Callable[[int, int], list[float]],
    ports: tuple[int, int],
    *,
    count: int,
) -> None:
    taken: dict[int, list[float]] = {port: [] for port in ports}
    for _ in range(_SERIES):
        for port in ports:
            taken[port] += ask(port, count)
    plain, relayed = (taken[port] for port in ports)
    more = statistics.median(relayed) - statistics.median(plain)
    aim = "< 100" if kind == "open" else ""
    result.figures += [
        Figure(what=f"{kind} connection, plain", value=statistics.median(plain) * 1e6, unit="us"),
        Figure(what=f"{kind} connection, median more", value=more * 1e6, unit="us", aim=aim),
        Figure(
            what=f"{kind} connection, least more",
            value=(min(relayed) - min(plain)) * 1e6,
            unit="us",
        ),
    ]


def _on_one(port: int, count: int) -> list[float]:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return [_seconds(lambda: _ask(client)) for _ in range(count)]


def _on_new_ones(port: int, count: int) -> list[float]:
    def connect() -> None:
        with socket.create_connection(("127.0.0.1", port)) as client:
            _ask(client)

    return [_seconds(connect) for _ in range(count)]


def _seconds(act: Callable[[], None]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _ask(client: socket.socket) -> None:
    client.sendall(bytes(_QUESTION_BYTES))
    left = _ANSWER_BYTES
    while left:
        got = len(client.recv(left))
        if not got:
            raise BenchmarkError("the server hung up")
        left -= got


def _program(setting: Setting, port: int) -> list[str]:
    return setting.program("answer", str(port), str(_QUESTION_BYTES), str(_ANSWER_BYTES))


def _free_ports() -> tuple[int, int]:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        return one.getsockname()[1], two.getsockname()[1]


@contextmanager
def _server(line: Sequence[str]) -> Iterator[None]:
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            if process.stdout.readline() != "ready\n":
                raise BenchmarkError(f"the server did not start: {' '.join(line)}")
            yield
        finally:
            process.terminate()
