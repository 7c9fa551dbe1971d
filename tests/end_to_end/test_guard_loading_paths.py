"""
Every way to a pickle in five frameworks under `weighbridge exec` (arXiv 2508.19774).

What is signed is loaded as without a guard; its unsigned twin and one that calls something are
denied before anything of them runs. Without a guard each harmful file does run.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.documents import document
from support.guarding import END, PRELUDE, Workplace, run_guarded
from support.loading_paths import IMPORTS, PATHS, LoadingPath, evil_value, render_paths
from support.signed_model import make_signed_model
from weighbridge.core.artifact import FileFormat

TESTS = Path(__file__).parents[1]
VALUE = {"a": [1, 2.5], "b": ("c", None)}
RULE = {"scan": '{ fail-on = "critical", on-gap = "deny" }', "remote-code": '"allow"'}
HELPERS = """
import os
import warnings
warnings.simplefilter("ignore")
os.environ.setdefault("KERAS_BACKEND", "jax")

def unpacked(path):
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(path) as archive:
            archive.extractall(folder)
        return torch.load(os.path.join(folder, "model_weights.ckpt"), weights_only=False)

def tried(name, path, load):
    mark = PLACE / "marker"
    attempt(name, load, str(path))
    if mark.exists():
        mark.unlink()
        OUT[name] = "ran: " + OUT[name]
"""


def folders(paths: list[LoadingPath]) -> dict[str, LoadingPath]:
    """Return the folder of each of *paths*, by which it is found in the workplace."""
    return {f"way{number}": each for number, each in enumerate(paths)}


def script_for(paths: list[LoadingPath], kinds: str) -> str:
    """Return a program that tries each of *paths* with the files of *kinds*."""
    imports = "\n".join(dict.fromkeys(IMPORTS[each.framework] for each in paths))
    attempts = "".join(
        f"tried({f'{folder} {kind}'!r}, {place} / {folder!r} / {each.file!r},"
        f" lambda path: {each.load})\n"
        for folder, each in folders(paths).items()
        for kind, place in {
            "good": "MODEL",
            "unsigned": "BAD / 'same'",
            "evil": "BAD / 'evil'",
        }.items()
        if kind in kinds
    )
    return f"{HELPERS}\n{imports}\n{attempts}"


def make_workplace(place: Path, paths: list[LoadingPath]) -> Workplace:
    """Return a workplace with a signed file for each way, the same unsigned, and a harmful one."""
    for kind, value in (("same", VALUE), ("evil", evil_value(place / "marker"))):
        for folder, each in folders(paths).items():
            target = place / "bad" / kind / folder
            target.mkdir(parents=True)
            each.write(target / each.file, value)
    same = place / "bad" / "same"
    kept = place / "denied"
    for folder, each in folders(paths).items():
        if not each.signed:
            # Nobody's policy takes these; they would have the others denied with them.
            shutil.move(same / folder, kept / folder)
    files = {
        path.relative_to(same).as_posix(): path.read_bytes()
        for path in same.rglob("*")
        if path.is_file()
    }
    files["README.md"] = b"every way at once\n"
    signed = make_signed_model(place, files, formats=tuple(FileFormat), rule=RULE)
    for left in kept.iterdir() if kept.is_dir() else ():
        shutil.copytree(left, same / left.name)
    return Workplace(place=place, signed=signed)


def run_open(place: Path, script: str) -> dict[str, str]:
    """Return what became of the attempts of *script* without a guard."""
    program = place / "open.py"
    program.write_text(PRELUDE.format(place=os.fspath(place)) + script + END)
    done = subprocess.run(
        [sys.executable, str(program)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])},
        capture_output=True,
        text=True,
        check=True,
    )
    line = done.stdout.splitlines()[-1]
    found: dict[str, str] = json.loads(line.removeprefix("RESULT"))
    return found


def check_ways(place: Path, framework: str) -> None:
    """Try every way of *framework*, with a guard and without."""
    paths = [each for each in PATHS if each.framework == framework]
    assert all(each.is_here for each in paths)
    workplace = make_workplace(place, paths)
    opened = run_open(place, script_for(paths, "unsigned evil"))
    outcome = run_guarded(
        workplace,
        script_for(paths, "good unsigned evil"),
        environment={"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])},
    )
    assert outcome.results, outcome.err
    assert not workplace.marker.exists()
    for folder, each in folders(paths).items():
        told = {kind: outcome.results[f"{folder} {kind}"] for kind in ("good", "unsigned", "evil")}
        if each.signed:
            # Identical to what the same file gives without a guard.
            assert told["good"] == opened[f"{folder} unsigned"], each.what
            assert told["good"].startswith("loaded: "), (each.what, told)
        assert told["unsigned"].startswith("denied: "), (each.what, told)
        assert told["evil"].startswith("denied: "), (each.what, told)
        if framework != "Keras":
            assert opened[f"{folder} evil"].startswith("ran: "), (each.what, opened)


def test_numpy(tmp_path: Path) -> None:
    """No way of NumPy to a pickle runs what nobody allowed."""
    check_ways(tmp_path, "NumPy")


@pytest.mark.frameworks
@pytest.mark.skipif(not PATHS[-2].is_here, reason="needs Keras: make test-frameworks")
@pytest.mark.parametrize("framework", ["joblib", "Keras"])
def test_frameworks(tmp_path: Path, framework: str) -> None:
    """No way of joblib to a pickle, and none of Keras to code, runs what nobody allowed."""
    check_ways(tmp_path, framework)


@pytest.mark.torch
@pytest.mark.skipif(not PATHS[-1].is_here, reason="needs PyTorch: make test-torch")
@pytest.mark.parametrize("framework", ["PyTorch", "NeMo"])
def test_torch(tmp_path: Path, framework: str) -> None:
    """No way of PyTorch to a pickle runs what nobody allowed, nor of archives with its files."""
    check_ways(tmp_path, framework)


def test_the_table_has_every_way() -> None:
    """docs/guard.md lists the ways by framework and function, more than the paper counts."""
    assert len(PATHS) >= 22
    assert len({each.framework for each in PATHS}) == 5
    assert render_paths() in document("docs/guard.md")
