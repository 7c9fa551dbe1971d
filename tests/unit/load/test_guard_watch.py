"""The light part of the guard: which paths count, and which children may be started."""

import os
import time
from pathlib import Path

import pytest

from weighbridge.core.errors import GuardDeniedError, UsageError
from weighbridge.formats.sniff.suffixes import suffix_format
from weighbridge.load.guard import guard, names, watch
from weighbridge.load.guard.children import (
    ORDER_VARIABLE,
    PATH_VARIABLE,
    Heritage,
    interpreter_flags,
    objection_to,
)
from weighbridge.load.guard.interface import Admission
from weighbridge.load.held import HeldFile, HeldFiles
from weighbridge.load.memory import InlineMemory

HERITAGE = Heritage(order="digest:/order", start="/start")
GUARDED = {ORDER_VARIABLE: "digest:/order", PATH_VARIABLE: "/start"}


@pytest.mark.parametrize("suffix", sorted(names.MODEL_SUFFIXES | names.UNSURE_SUFFIXES))
def test_suffixes_of_models_count(suffix: str) -> None:
    """A file with a suffix of models is looked at, in any spelling of it, and none without a dot."""
    assert watch.is_interesting(f"a/b.{suffix}")
    assert watch.is_interesting(f"B.{suffix.upper()}")
    assert not watch.is_interesting(f"a/{suffix}")
    assert not watch.is_interesting(f"/proc/self/fd/7.{suffix}")


@pytest.mark.parametrize("name", ["a.py", "a.txt", "data.csv", "x.json", "a", ".", "", "a.zip"])
def test_other_files_do_not_count(name: str) -> None:
    """Files that are not called like models are opened as ever."""
    assert not watch.is_interesting(name)


def test_suffixes_are_known_to_the_sniffer() -> None:
    """Suffixes that stand for models here promise a format there; the others are said here."""
    unknown = {s for s in names.MODEL_SUFFIXES if suffix_format(f"a.{s}") is None}
    assert unknown == {"coreml"}


@pytest.mark.parametrize("signature", ["model.sig", "model.release.sig"])
def test_configurations_count_beside_a_signature(tmp_path: Path, signature: str) -> None:
    """A configuration is looked at where a signature lies beside it, and nowhere else."""
    path = tmp_path / "config.json"
    assert not watch.is_interesting(os.fspath(path))
    (tmp_path / signature).touch()
    assert watch.is_interesting(os.fspath(path))
    assert not watch.is_interesting(os.fspath(tmp_path / "other.json"))


def test_there_is_no_guard_unless_somebody_asks() -> None:
    """A process without a guard has none, and says so."""
    assert not watch.is_active()
    with pytest.raises(RuntimeError, match="no guard"):
        watch.guard()


@pytest.mark.parametrize(
    ("arguments", "flags"),
    [
        ([], set()),
        (["x.py", "-S"], set()),
        (["-S", "x.py"], {"S"}),
        (["-IS"], {"I", "S"}),
        (["-c", "-S"], {"c"}),
        (["-cS"], {"c"}),
        (["-W", "-S", "-E"], {"W", "E"}),
        (["-Wignore", "-S"], {"W", "S"}),
        (["-X", "utf8", "-B", "-m", "x", "-S"], {"X", "B", "m"}),
        (["--version", "-S"], {"S"}),
        (["-", "-S"], set()),
        (["--check-hash-based-pycs", "always", "-S"], {"S"}),
    ],
)
def test_flags_of_the_interpreter(arguments: list[str], flags: set[str]) -> None:
    """Options of Python itself are told from those of the program."""
    assert interpreter_flags(arguments) == flags


@pytest.mark.parametrize(
    ("program", "arguments", "environment", "refused"),
    [
        ("/usr/bin/python3", ["python3", "x.py"], GUARDED, False),
        ("/usr/bin/python3", ["python3", "-S", "x.py"], GUARDED, True),
        (b"/usr/bin/python3", [b"python3", b"-S"], GUARDED, True),
        ("/usr/bin/python3.13t", ["python3", "-I"], GUARDED, True),
        ("/usr/bin/python3", ["python3", "x.py"], {}, True),
        ("/usr/bin/python3", ["python3"], {**GUARDED, ORDER_VARIABLE: "other:/order"}, True),
        ("/usr/bin/python3", ["python3"], {**GUARDED, PATH_VARIABLE: "/lib"}, True),
        ("/usr/bin/python3", ["python3"], {**GUARDED, PATH_VARIABLE: "/a:/start"}, False),
        ("/bin/ls", ["ls", "-S"], {}, False),
        (None, ["python", "-S"], GUARDED, True),
        ("/usr/bin/python3-dbg", ["python3-dbg", "-S"], GUARDED, True),
        ("/usr/bin/python3", ["python3", "--check-hash-based-pycs", "never", "-S"], GUARDED, True),
        ("/usr/bin/python-config", ["python-config", "-S"], {}, False),
    ],
)
def test_children_that_would_be_unguarded(
    program: str | bytes | None,
    arguments: list[str | bytes],
    environment: dict[str, str],
    refused: bool,
) -> None:
    """A Python that would not run the start-up hook is refused, any other program is not."""
    found = objection_to((program, arguments, environment), HERITAGE)
    assert (found is not None) is refused


@pytest.mark.parametrize(
    ("first", "refused"),
    [
        ("#!/usr/bin/python3", False),
        ("#!/usr/bin/python3 -I", True),
        ("#! /usr/bin/python3\t-Es", True),
        ("#!/usr/bin/env python3", False),
        ("#!/usr/bin/env -S A=b python3 -S", True),
        ("#!/bin/sh -E", False),
        ("#!", False),
        ("/usr/bin/python3 -I", False),
    ],
)
def test_scripts_say_how_python_is_started(tmp_path: Path, first: str, refused: bool) -> None:
    """The first line of a script counts as if it had been typed, by a path and by a name."""
    script = tmp_path / "tool"
    script.write_text(f"{first}\nprint()\n")
    for program, variables in ((str(script), {}), ("tool", {"PATH": f"/none:{tmp_path}"})):
        found = objection_to((program, ["tool", "-S"], GUARDED | variables), HERITAGE)
        assert (found is not None) is refused
        there = objection_to((None, ["./tool"], GUARDED), HERITAGE, folder=str(tmp_path))
        assert (there is not None) is refused


def test_a_python_by_another_name(tmp_path: Path) -> None:
    """A link to Python is one, whatever it is called."""
    (tmp_path / "python3").touch()
    (tmp_path / "runner").symlink_to("python3")
    assert objection_to((f"{tmp_path}/runner", ["runner", "-S"], GUARDED), HERITAGE) is not None
    assert objection_to((f"{tmp_path}/runner", ["runner"], GUARDED), HERITAGE) is None


def test_scripts_of_scripts_and_of_links(tmp_path: Path) -> None:
    """Linux follows interpreters that are scripts, and links to Python, and so does the guard."""
    (tmp_path / "python3").touch()
    (tmp_path / "runner").symlink_to("python3")
    (tmp_path / "inner").write_text(f"#!{tmp_path}/runner -I\n")
    (tmp_path / "outer").write_text(f"#!{tmp_path}/inner\n")
    (tmp_path / "fine").write_text(f"#!{tmp_path}/runner\n")
    (tmp_path / "itself").write_text(f"#!{tmp_path}/itself -I\n")
    refused = {
        name
        for name in ("inner", "outer", "fine", "itself")
        if objection_to((f"{tmp_path}/{name}", [name], GUARDED), HERITAGE)
    }
    assert refused == {"inner", "outer"}


def test_a_program_by_its_descriptor(tmp_path: Path) -> None:
    """What a descriptor leads to counts, and not what the program calls itself."""
    for name, refused in (("python3", True), ("other", False)):
        with (tmp_path / name).open("wb") as file:
            found = objection_to((file.fileno(), ["x", "-S"], GUARDED), HERITAGE)
            assert (found is not None) is refused


def test_the_folder_of_the_child_counts(tmp_path: Path) -> None:
    """Another sitecustomize is looked for where the child would find it."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "sitecustomize.py").touch()
    given = GUARDED | {PATH_VARIABLE: "own:/start"}
    assert objection_to(("python", ["python"], given), HERITAGE) is None
    assert objection_to(("python", ["python"], given), HERITAGE, folder=str(tmp_path)) is not None


def test_an_installed_guard_needs_no_environment() -> None:
    """Where the guard is installed, children without variables are guarded; those by -S are not."""
    installed = Heritage(order="", start="")
    assert objection_to(("python", ["python", "-I"], {}), installed) is None
    assert objection_to(("python", ["python", "-S"], {}), installed) is not None


def test_the_environment_of_this_process_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child without an environment of its own gets this process'."""
    assert objection_to(("python", ["python"], None), HERITAGE) is not None
    for name, value in GUARDED.items():
        monkeypatch.setenv(name, value)
    assert objection_to(("python", ["python"], None), HERITAGE) is None


def test_a_denial_is_a_permission_error() -> None:
    """Frameworks see a denial as the error of the system that it stands for."""
    error = GuardDeniedError("no", where="/m.pkl")
    assert isinstance(error, PermissionError)
    assert (error.filename, error.exit_code) == ("/m.pkl", 10)
    assert str(error) == "/m.pkl: no [guard-denied]"


@pytest.mark.parametrize(("where", "said"), [("keys/a.pub", "keys/a.pub: no"), ("/m.pkl", ": no")])
def test_a_denial_names_what_it_is_about(where: str, said: str) -> None:
    """A key that is missing is named; the file that is denied is named once."""
    denied = guard._denial("f", UsageError("no", where=where), path="/m.pkl", verdict=None)
    assert str(denied).startswith("/m.pkl: the guard denies f: ")
    assert said in str(denied)
    assert str(denied).count(where) == 1


def test_what_was_verified_is_known_by_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """An artifact is known as it is called and as the program called it, and no neighbour is."""
    monkeypatch.setattr(watch, "state", watch._State())
    files = HeldFiles({"sub/b": HeldFile(InlineMemory(b"")), ".": HeldFile(InlineMemory(b""))})
    for path, root, relative in (
        ("/m/a", "/m/a", "."),
        ("/latest", "/m/b", "."),
        ("/current/sub/b", "/v3", "sub/b"),
        ("/elsewhere/c", "/v4", "sub/b"),
    ):
        guard._remember(
            Admission(
                path=path,
                root=root,
                relative=relative,
                name="",
                held=files[relative],
                files=files,
                rule="",
            )
        )
    assert not watch.is_interesting("/elsewhere/d")
    for known in ("/m/a", "/m/b", "/latest", "/v3/x", "/current/x", "/v4/x"):
        assert watch.is_interesting(known), known
        assert not watch.is_interesting(f"{known.removesuffix('/x')}.log"), known


def test_code_of_the_program_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code is looked at below what is marked as a model's or where rules name directories."""
    monkeypatch.setattr(watch, "state", watch._State())
    watch.state.start = str(tmp_path)
    code = tmp_path / "some" / "package" / "code.py"
    code.parent.mkdir(parents=True)
    code.touch()
    assert not watch.may_be_brought(str(code))
    watch.state.bases = (f"{tmp_path}/other/",)
    watch.state.above.clear()
    assert not watch.may_be_brought(str(code))
    watch.state.bases = (f"{tmp_path}/some/",)
    watch.state.above.clear()
    assert watch.may_be_brought(str(code))
    watch.state.installed_code = (f"{tmp_path}/",)
    assert not watch.may_be_brought(str(code))


@pytest.mark.parametrize("name", ["model.sig", "model.safetensors", "MLmodel"])
def test_code_below_a_marked_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A mark counts as soon as it is there, also where a link leads to it."""
    monkeypatch.setattr(watch, "state", watch._State())
    watch.state.start = str(tmp_path)
    code = tmp_path / "model" / "package" / "code.py"
    code.parent.mkdir(parents=True)
    code.touch()
    (tmp_path / "folder").symlink_to(code.parent)
    (tmp_path / "file.py").symlink_to(code)
    paths = [code, tmp_path / "folder" / "code.py", tmp_path / "file.py"]
    assert not any(watch.may_be_brought(str(path)) for path in paths)
    (tmp_path / "model" / name).touch()
    assert all(watch.may_be_brought(str(path)) for path in paths)


def test_a_directory_that_just_changed_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time may be the same after another change; that of long ago is not."""
    monkeypatch.setattr(watch, "state", watch._State())
    hour = 3600 * 10**9
    for name, changed in (("now", time.time_ns() + hour), ("then", time.time_ns() - hour)):
        folder = tmp_path / name
        folder.mkdir()
        os.utime(folder, ns=(changed, changed))
        assert watch._marks_in(str(folder)) == (False, False)
        (folder / "model.sig").touch()
        os.utime(folder, ns=(changed, changed))
        assert watch._marks_in(str(folder)) == ((True, True) if name == "now" else (False, False))


def test_what_lies_above_the_program_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of a model that was forgotten above the program makes its code no model's."""
    monkeypatch.setattr(watch, "state", watch._State())
    code = tmp_path / "program" / "package" / "code.py"
    code.parent.mkdir(parents=True)
    code.touch()
    (tmp_path / "model.safetensors").touch()
    watch.state.start = str(tmp_path / "program")
    assert not watch.may_be_brought(str(code))
    assert watch.may_be_brought(str(tmp_path / "other" / "code.py")) is False  # there is none
    (code.parents[1] / "tokenizer_config.json").touch()
    assert watch.may_be_brought(str(code))
