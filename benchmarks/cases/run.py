"""What `weighbridge run` adds to the start of a program whose model is in the store."""

import os
import shutil
import socket
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from benchmarks.measure import Contender, Figure, Result, Sample, alternate, run
from benchmarks.setting import KIB, Setting, model, weighbridge_beside

_COMMAND: Final = "/bin/true"
_SETTLED_SECONDS: Final = 2.5
"""For how long files have to be left alone before their times are believed."""
_AIMS: Final = {15: "< 60", 300: "< 200"}
_NAMESPACES: Final = ("user", "ipc", "pid", "net", "uts", "cgroup-try")


def measure(setting: Setting) -> Result:
    """Measure whole starts in turn with the bare command and with what any such start takes."""
    result = Result(case="run", title=f"{_COMMAND} behind walls, with a model in the store")
    quick = setting.sizes.start_rounds < 10
    demands = _demands()
    if quick:  # a smoke test: as little as has all of it
        demands = {"everything": ", ".join(demands.values())}
    for files, aim in [*_AIMS.items()][: 1 if quick else None]:
        with isolating(setting, 'network = "none"'):
            _measure(setting, result, f"run, {files} files", files=3 if quick else files, aim=aim)
    few, aim = next(iter(_AIMS.items()))
    for what, isolation in demands.items():
        with isolating(setting, isolation):
            name = f"run, {few} files, {what}"
            _measure(setting, result, name, files=3 if quick else few, aim=aim)
    return result


def _demands() -> dict[str, str]:
    """Return what is made anew for each start: relays, and a group where one can be made."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return {
        "a port": f"listen = [{port}]",
        "a place to ask": 'connect = ["db.example.com:5432"]',
        "limits": "memory-mib = 2048, seconds = 600, tmp-mib = 64",
    }


def _measure(setting: Setting, result: Result, name: str, *, files: int, aim: str) -> None:
    with model(setting, sizes=(KIB,) * files, suffix="safetensors") as root:
        run(weighbridge_beside(setting, root)[0])
        line = (str(setting.weighbridge), "run", str(root), "--policy", str(setting.policy))
        started = Contender(name=name, command=(*line, "--", _COMMAND))
        for _ in range(2):  # the first makes the copy, the second finds it left alone
            time.sleep(_SETTLED_SECONDS)
            run(started)
        if not list(setting.directory.glob("home/cache/weighbridge/runs/*")):
            result.skipped.append(f"{name}: on this file system no times are believed")
        contenders = [Contender(name="bare", command=(_COMMAND,)), *_floors(), started]
        taken = alternate(contenders, rounds=3 * setting.sizes.start_rounds)
    result.samples |= {f"{each} (beside {name})": samples for each, samples in taken.items()}
    bare = taken.pop("bare")
    for each, samples in taken.items():
        figure = Figure(what=f"{each}: more, least", value=_more(samples, bare), unit="ms")
        half = statistics.median(s.wall for s in samples) - statistics.median(s.wall for s in bare)
        aimed = aim if each == name else ""
        result.figures += [
            figure,
            Figure(what=f"{each}: more, median", value=half * 1000, unit="ms", aim=aimed),
        ]


def _floors() -> Iterator[Contender]:
    """Yield what such a start cannot do without: an interpreter, and bubblewrap."""
    interpreter = (os.path.realpath(sys.executable), "-I", "-S", "-c", "pass")
    yield Contender(name="an interpreter alone", command=interpreter)
    bwrap = shutil.which("bwrap")
    if bwrap is not None:
        spaces = (f"--unshare-{name}" for name in _NAMESPACES)
        alone = (bwrap, *spaces, "--ro-bind", "/", "/", _COMMAND)
        yield Contender(name="bubblewrap alone", command=alone)


def _more(samples: Sequence[Sample], bare: Sequence[Sample]) -> float:
    return (min(s.wall for s in samples) - min(s.wall for s in bare)) * 1000


@contextmanager
def isolating(setting: Setting, isolation: str) -> Iterator[None]:
    """Have the policy demand *isolation* and trust stamps, and keep nothing of the user's."""
    plain, around = setting.policy.read_text(), dict(os.environ)
    home = setting.directory / "home"
    home.mkdir(mode=0o700)
    os.environ |= {"WEIGHBRIDGE_STORE": str(home / "store"), "HOME": str(home)}
    os.environ |= {"XDG_CACHE_HOME": str(home / "cache"), "XDG_STATE_HOME": str(home / "state")}
    setting.policy.write_text(f'{plain}stamps    = "trust"\nisolation = {{ {isolation} }}\n')
    try:
        yield
    finally:
        setting.policy.write_text(plain)
        os.environ.clear()
        os.environ |= around
        for place in home.rglob("*"):
            if place.is_dir() and not place.is_symlink():
                place.chmod(0o700)
        shutil.rmtree(home)
