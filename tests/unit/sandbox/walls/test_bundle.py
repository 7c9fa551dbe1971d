"""What gVisor is told of walls."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from weighbridge.core.errors import IsolationError
from weighbridge.sandbox.walls.bundle import write_bundle
from weighbridge.sandbox.walls.interface import Limits, Walls


def told(place: Path, walls: Walls) -> dict[str, Any]:
    """Return the configuration of a bundle for *walls*."""
    made = place / "bundle"
    made.mkdir()
    write_bundle(made, "/bin/true", ["true", "x"], walls)
    configuration: dict[str, Any] = json.loads((made / "config.json").read_text("utf-8"))
    return configuration


def mounts(configuration: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what is mounted, by where it is seen."""
    return {mount["destination"]: mount for mount in configuration["mounts"]}


def test_nothing_is_given_by_itself(tmp_path: Path) -> None:
    """Without a word of the walls there is no file of the machine, variable or capability."""
    configuration = told(tmp_path, Walls(readable=()))
    assert {mount["type"] for mount in configuration["mounts"]} == {"proc", "tmpfs"}
    assert configuration["root"]["readonly"] is True
    assert configuration["process"]["env"] == []
    assert configuration["process"]["capabilities"] == {}
    assert configuration["process"]["noNewPrivileges"] is True
    assert {each["type"] for each in configuration["linux"]["namespaces"]} >= {"network", "pid"}


def test_what_is_shown_cannot_be_changed(tmp_path: Path) -> None:
    """Only what may be written to is mounted for that, and it wins over being readable."""
    (tmp_path / "model").mkdir()
    (tmp_path / "out").mkdir()
    model, out = os.fspath(tmp_path / "model"), os.fspath(tmp_path / "out")
    walls = Walls(readable=(out,), shown=((model, "/model"),), writable=(out,))
    found = mounts(told(tmp_path, walls))
    assert found["/model"]["source"] == model
    assert "ro" in found["/model"]["options"]
    assert "rw" in found[out]["options"]
    assert sum("rw" in mount.get("options", ()) for mount in found.values()) == 1


def test_what_lies_in_a_readable_directory_is_not_mounted_again(tmp_path: Path) -> None:
    """One mount shows a directory with all that is in it."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    walls = Walls(readable=(f"{tmp_path}/a/b", f"{tmp_path}/a", f"{tmp_path}/missing"))
    found = mounts(told(tmp_path, walls))
    assert [each for each in found if each.startswith(os.fspath(tmp_path))] == [f"{tmp_path}/a"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    """A link is shown as it is, so that it leads where the program may go, or nowhere."""
    (tmp_path / "link").symlink_to("/secret")
    told(tmp_path, Walls(readable=(f"{tmp_path}/link",)))
    shown = Path(f"{tmp_path}/bundle/root{tmp_path}/link")
    assert shown.is_symlink()
    assert os.fspath(shown.readlink()) == "/secret"


def test_nothing_is_made_behind_a_link(tmp_path: Path) -> None:
    """What would be mounted behind a link is refused, and nothing is made where it leads."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "link").symlink_to(elsewhere)
    walls = Walls(
        readable=(f"{tmp_path}/link",),
        shown=((os.fspath(elsewhere), f"{tmp_path}/link/in/model"),),
    )
    with pytest.raises(IsolationError, match="behind a link"):
        told(tmp_path, walls)
    assert list(elsewhere.iterdir()) == []


def test_limits_are_hard(tmp_path: Path) -> None:
    """A program cannot raise what it is limited to, and cores are never dumped."""
    limits = Limits(memory_bytes=1 << 30, processes=7)
    found = told(tmp_path, Walls(readable=(), limits=limits))["process"]["rlimits"]
    assert {each["type"]: (each["soft"], each["hard"]) for each in found} == {
        "RLIMIT_AS": (1 << 30, 1 << 30),
        "RLIMIT_NPROC": (7, 7),
        "RLIMIT_CORE": (0, 0),
    }


@pytest.mark.parametrize("start", ["/tmp", "/", "/nowhere/in/particular"])
def test_there_is_a_place_to_start_from(tmp_path: Path, start: str) -> None:
    """A program starts where it was asked to, also where nothing is shown: it is empty then."""
    configuration = told(tmp_path, Walls(readable=(), directory=start))
    assert configuration["process"]["cwd"] == start
    assert start == "/" or mounts(configuration)[start]["type"] == "tmpfs"
