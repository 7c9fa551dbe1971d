"""
Programs of many processes under `weighbridge exec`: each of them is guarded.

Modules, console scripts, fresh and forked workers, launchers of training, servers with workers.
Every process loads a signed model and tries an evil one, and says what became of both.
"""

import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from support.guarding import Workplace, guard_environment, make_guard_workplace

SAY = """
import json
import os
import pickle
from pathlib import Path

PLACE = Path({place!r})


def unpickled(path):
    try:
        with open(path, "rb") as file:
            pickle.load(file)
    except PermissionError:
        return "denied"
    return "loaded"


def say(name):
    found = [unpickled(PLACE / "model" / "m.pkl"), unpickled(PLACE / "bad" / "evil")]
    with open(PLACE / "said", "a") as file:
        file.write(json.dumps([name, os.getpid(), *found]) + "\\n")
"""
WORKERS = """
import concurrent.futures
import multiprocessing
import os
import subprocess
import sys
import threading

from app.saying import say

if __name__ == "__main__":
    say("main")
    threads = [threading.Thread(target=say, args=("thread",)) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for method in ("fork", "spawn", "forkserver"):
        process = multiprocessing.get_context(method).Process(target=say, args=(method,))
        process.start()
        process.join()
        with concurrent.futures.ProcessPoolExecutor(
            1, mp_context=multiprocessing.get_context(method)
        ) as executor:
            executor.submit(say, f"{method} executor").result()
    if not os.fork():
        say("os.fork")
        os._exit(0)
    os.wait()
    code = "from app.saying import say; say('{}')"
    subprocess.run([sys.executable, "-c", code.format("subprocess")], check=True)
    subprocess.run(f'"{sys.executable}" -c "' + code.format("shell") + '"', shell=True, check=True)
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", code.format("posix_spawn")],
                           os.environ)
    os.waitpid(child, 0)
    os.execv(sys.executable, [sys.executable, "-c", code.format("execv")])
"""
PRELOADED = """
import os
import sys

from app.saying import say

say("master")
for number in range(2):
    if not os.fork():
        say("worker")
        os._exit(0)
for number in range(2):
    os.wait()
"""
WEB = """
import os
import signal

from app.saying import say

def application(environ, start_response):
    say("request")
    start_response("200 OK", [])
    return [b""]

async def asgi(scope, receive, send):
    ...

say("imported")
"""
TRAINING = """
import os

import torch.distributed as dist
from torch.utils.data import DataLoader, Dataset

from app.saying import say

class Saying(Dataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        say("data loader")
        return index

if __name__ == "__main__":
    dist.init_process_group("gloo")
    say(f"rank {dist.get_rank()}")
    list(DataLoader(Saying(), num_workers=1))
    found = [None] * dist.get_world_size()
    dist.all_gather_object(found, {"rank": dist.get_rank(), "loss": 0.5})
    assert [each["rank"] for each in found] == [0, 1], found
    dist.destroy_process_group()
"""


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """Return a workplace with a package `app` whose modules say what they could load."""
    made = make_guard_workplace(tmp_path)
    app = tmp_path / "app"
    app.mkdir()
    modules = {"saying": SAY.format(place=os.fspath(tmp_path)), "__init__": "", "web": WEB}
    modules |= {"workers": WORKERS, "preloaded": PRELOADED, "training": TRAINING}
    for name, text in modules.items():
        (app / f"{name}.py").write_text(text)
    return made


def run(workplace: Workplace, *command: str) -> tuple[dict[str, int], str]:
    """Run *command* with the guard; return how many said so by name, and the standard error."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "weighbridge", "exec"),
            *("--policy", str(workplace.policy), "--", *command),
        ],
        cwd=workplace.place,
        env=guard_environment(workplace)
        | {"PYTHONPATH": f"{workplace.place}:{os.environ.get('PYTHONPATH', '')}"},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    said = workplace.place / "said"
    assert said.exists(), done.stderr
    counted: dict[str, int] = {}
    for line in said.read_text().splitlines():
        name, _pid, good, evil = json.loads(line)
        assert (good, evil) == ("loaded", "denied"), (line, done.stderr)
        counted[name] = counted.get(name, 0) + 1
    assert not workplace.marker.exists()
    return counted, done.stderr


def script(name: str) -> str:
    """Return the path of an installed console script."""
    return os.fspath(Path(sysconfig.get_path("scripts")) / name)


def test_every_kind_of_child(workplace: Workplace) -> None:
    """Threads, forks, fresh interpreters, a shell's child and a program's successor are guarded."""
    said, error = run(workplace, sys.executable, "-m", "app.workers")
    assert said == {
        "main": 1,
        "thread": 2,
        **dict.fromkeys(("fork", "spawn", "forkserver"), 1),
        **{f"{method} executor": 1 for method in ("fork", "spawn", "forkserver")},
        **dict.fromkeys(("os.fork", "subprocess", "shell", "posix_spawn", "execv"), 1),
    }, error


def test_console_scripts(workplace: Workplace) -> None:
    """A script with the interpreter's path in its first line is guarded as the interpreter is."""
    place = workplace.place / "serve"
    place.write_text(f"#!{sys.executable}\nfrom app.preloaded import say\nsay('script')\n")
    place.chmod(0o755)
    said, error = run(workplace, str(place))
    assert said == {"master": 1, "worker": 2, "script": 1}, error


@pytest.mark.heavy
@pytest.mark.skipif(
    importlib.util.find_spec("gunicorn") is None, reason="needs gunicorn: make test-heavy"
)
def test_a_server_that_preloads_and_forks(workplace: Workplace) -> None:
    """The master of gunicorn loads what is signed; its workers, forked after that, are guarded."""
    (workplace.place / "settings.py").write_text(
        "from app.saying import say\n"
        "bind = 'unix:socket'\nworkers = 2\npreload_app = True\n"
        "left = 2\n"
        "def post_worker_init(worker):\n    say('worker')\n    worker.alive = False\n"
        "def child_exit(server, worker):\n"
        "    global left\n    left -= 1\n"
        "    if not left:\n        import os, signal\n        os.kill(os.getpid(), signal.SIGINT)\n"
    )
    said, error = run(workplace, script("gunicorn"), "-c", "settings.py", "app.web:application")
    assert said["imported"] == 1, error
    assert said["worker"] >= 2, error


@pytest.mark.heavy
@pytest.mark.skipif(
    importlib.util.find_spec("uvicorn") is None, reason="needs uvicorn: make test-heavy"
)
def test_a_server_that_spawns_workers(workplace: Workplace) -> None:
    """Each worker of uvicorn, a fresh interpreter, is guarded when it imports the application."""
    with (workplace.place / "app" / "web.py").open("a") as file:
        # Workers that end make the supervisor start others; the third one ends it.
        file.write(
            "said = (PLACE / 'said').read_text().count('imported')\n"
            "if said >= 3:\n    os.kill(os.getppid(), signal.SIGTERM)\n"
        )
    text = (workplace.place / "app" / "web.py").read_text()
    (workplace.place / "app" / "web.py").write_text(text.replace("import say", "import PLACE, say"))
    said, error = run(
        workplace, script("uvicorn"), "--workers", "3", "--uds", "socket", "app.web:asgi"
    )
    assert said["imported"] >= 3, error


@pytest.mark.torch
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch")
def test_ranks_of_training(workplace: Workplace) -> None:
    """Ranks that torchrun starts, and the workers of their data loaders, are guarded."""
    command = (script("torchrun"), "--nnodes=1", "--nproc-per-node=2", "--standalone")
    said, error = run(workplace, *command, "app/training.py")
    assert said == {"rank 0": 1, "rank 1": 1, "data loader": 2}, error


@pytest.mark.torch
@pytest.mark.skipif(importlib.util.find_spec("accelerate") is None, reason="needs accelerate")
def test_what_accelerate_launches(workplace: Workplace) -> None:
    """A script that accelerate launches is guarded, and so are its forks."""
    command = (script("accelerate"), "launch", "--cpu", "--num_processes=1", "--num_machines=1")
    settings = ("--mixed_precision=no", "--dynamo_backend=no")
    said, error = run(workplace, *command, *settings, "app/preloaded.py")
    assert said == {"master": 1, "worker": 2}, error
