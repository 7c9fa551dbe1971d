"""An unmodified inference server behind walls: asked, by many at once, streamed from, stopped."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from support import inference_server
from support.signed_model import safetensors_file
from support.users import SEARCHED, as_user, python_of, users
from support.walled_programs import Workplace, workplace

MODEL = {
    "model.safetensors": safetensors_file(w=[n / 7 for n in range(16)]),
    "config.json": b"{}",
}


@pytest.fixture(scope="module")
def place() -> Iterator[Workplace]:
    """Return a model, a server for it, and a policy that lets it be asked."""
    with workplace(MODEL) as found:
        shutil.copyfile(inference_server.__file__, found.place / "server.py")
        (found.place / "server.py").chmod(0o644)
        yield found


@pytest.fixture(params=users("cryptography", "blake3", "safetensors", "numpy"), ids=str)
def user(request: pytest.FixtureRequest) -> str | None:
    """Return as whom the server runs."""
    name: str | None = request.param
    return name


@contextmanager
def serving(
    place: Workplace, user: str | None, engine: str | None
) -> "Iterator[tuple[subprocess.Popen[str], int]]":
    """Give the process that runs the server, and its port; without *engine* it is the server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    python = python_of(user)
    assert python is not None
    model = "model" if engine is None else "{model}"
    command = [python, "server.py", model, "127.0.0.1", str(port)]
    if engine is not None:
        place.demand(f'listen = [{port}], env = ["PYTHONPATH"]', read=SEARCHED)
        options = ("--policy", "weighbridge.toml", "--engine", engine)
        command = [python, "-m", "weighbridge", "run", "model", *options, "--", *command]
    home = {"HOME": os.fspath(place.place / f"home-{user}")}
    how = {key: value for key, value in as_user(user, home).items() if key != "capture_output"}
    with subprocess.Popen(
        command, cwd=place.place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = process.stdout.readline()
        try:
            assert said == "ready\n", process.stderr.read()
            yield process, port
        finally:
            process.terminate()


def predict(port: int, rows: object) -> bytes:
    """Return what the server answers."""
    asked = http.client.HTTPConnection("127.0.0.1", port)
    asked.request("POST", "/predict", json.dumps(rows))
    answer = asked.getresponse()
    assert answer.status == http.HTTPStatus.OK
    said = answer.read()
    asked.close()
    return said


def predict_many(port: int) -> list[bytes]:
    """Return the answers to forty that ask at the same time."""
    answers = [b""] * 40

    def ask(number: int) -> None:
        answers[number] = predict(port, [[number / 3, 1, -number, 0.1]] * (1 + number * 20))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(answers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_it_answers_as_without_walls(
    place: Workplace, serving_engine: str, user: str | None
) -> None:
    """Forty that ask at once get, to the last bit, what the server says without walls."""
    with serving(place, user, None) as (_, port):
        expected = predict_many(port)
    with serving(place, user, serving_engine) as (process, port):
        assert predict_many(port) == expected
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert process.stdout.read() == "stopped in its own way\n"
        assert process.wait() == 0


def test_an_answer_is_streamed(place: Workplace, serving_engine: str) -> None:
    """Each piece arrives before the next one is made."""
    with (
        serving(place, None, serving_engine) as (_, port),
        socket.create_connection(("127.0.0.1", port)) as asked,
    ):
        asked.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        with asked.makefile("rb") as answer:
            while answer.readline() != b"\r\n":
                pass
            for row in range(4):
                size = int(answer.readline(), 16)
                piece = json.loads(answer.read(size))
                answer.readline()
                assert len(piece) == 4, row
                asked.sendall(b"\n")
            assert answer.readline() == b"0\r\n"


def test_a_crash_is_its_own(place: Workplace, serving_engine: str) -> None:
    """Where the server ends by itself, its exit code is the command's, and nobody listens."""
    with serving(place, None, serving_engine) as (process, port):
        asked = http.client.HTTPConnection("127.0.0.1", port)
        asked.request("GET", "/crash")
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            asked.getresponse()
        assert process.wait() == 3
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
