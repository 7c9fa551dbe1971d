"""What a program behind walls is shown of the model, and of what it is given besides."""

import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from isolation.conftest import working
from support.publisher import weighbridge
from support.walled import LISTING, line, started, write_policy
from weighbridge.core.errors import IsolationError
from weighbridge.pipeline import running
from weighbridge.policy.schema import Policy
from weighbridge.sandbox.walls.leftovers import remove_tree

_MANY = 300


def sign(place: Path, model: str = "model") -> None:
    """Sign *model* anew."""
    for each in (place / f"{model}.sig", place / model / "model.sig"):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            each.unlink()
    result = weighbridge(place, "sign", "key", model, "--private-key", "publisher.key")
    assert result.code == 0, result.err


def for_all(place: Path, isolation: str = 'network = "none"') -> None:
    """Let the policy's rule match every name."""
    write_policy(place, isolation)
    policy = place / "weighbridge.toml"
    policy.write_text(policy.read_text("utf-8").replace('["model"]', '["**"]'), "utf-8")


def run(place: Path, engine: str, model: str, *command: str) -> tuple[int, str, str]:
    """Run *command* with *model*."""
    result = weighbridge(
        place, "run", model, "--policy", "weighbridge.toml", "--engine", engine, "--", *command
    )
    return result.code, result.out, result.err


def test_many_files(place: Path, engine: str) -> None:
    """A model of hundreds of files is there as a whole."""
    for number in range(_MANY):
        (place / "model" / f"part-{number}.txt").write_text("x", "utf-8")
    sign(place)
    code, out, _ = run(place, engine, "model", *LISTING, "{model}")
    assert code == 0
    assert sum(name.startswith("part-") for name in out.split()) == _MANY


def test_a_single_file(place: Path, engine: str) -> None:
    """A model that is one file is that file, and its neighbours are not there."""
    shutil.copyfile(place / "model" / "model.safetensors", place / "one.safetensors")
    (place / "beside.txt").write_text("unverified", "utf-8")
    for_all(place)
    sign(place, "one.safetensors")
    script = 'wc -c < "$WEIGHBRIDGE_MODEL"; cat "$(dirname "$WEIGHBRIDGE_MODEL")/beside.txt"'
    code, out, _ = run(place, engine, "one.safetensors", "/bin/sh", "-c", script)
    assert code == 1
    assert int(out) == (place / "one.safetensors").stat().st_size


@pytest.mark.parametrize("name", ["a model", "a\nmodel", "--model", "{model}", "m\u00f6del"])
def test_odd_names(place: Path, engine: str, name: str) -> None:
    """A model is shown whatever it is called."""
    (place / "model").rename(place / name)
    for_all(place)
    model = f"./{name}"
    result = run(place, engine, model, *LISTING, "{model}")
    assert result[0] == 0, result
    assert "model.safetensors" in result[1].split()


def test_below_what_is_readable(place: Path) -> None:
    """A readable directory around the model does not show what was not verified, nor is it run."""
    (place / "model.txt").write_text("around", "utf-8")
    write_policy(place, 'read = ["."]')
    unsigned = place / "model" / "model.sig"
    assert unsigned.exists()
    script = f"cat {place}/model.txt; test ! -e {unsigned} && test -e {place}/model/config.json"
    code, out, _ = run(place, "bubblewrap", "model", "/bin/sh", "-c", script)
    assert (code, out) == (0, "around")
    code, out, err = run(place, "direct", "model", "/bin/echo", "it ran")
    assert (code, out) == (1, "")
    assert "[isolation-unavailable]" in err


def test_a_file_of_the_model_is_not_named(place: Path, engine: str) -> None:
    """The original of a verified file is not shown because an argument names it."""
    original = place / "model" / "config.json"
    code, out, _ = run(place, engine, "model", "/bin/cat", os.fspath(original))
    if engine != "direct":
        assert (code, out) == (0, original.read_text("utf-8"))
    else:
        assert code == 1
        assert out == ""


def test_a_program_in_the_model(place: Path, engine: str) -> None:
    """A program that lies beside the weights and was not verified is not run."""
    program = place / "model" / "start.sh"
    sign(place)
    program.write_text("#!/bin/sh\necho it ran\n", "utf-8")
    program.chmod(0o755)
    policy = place / "weighbridge.toml"
    text = policy.read_text("utf-8").replace("any-of", 'uncovered = "ignore", any-of')
    policy.write_text(text, "utf-8")
    code, out, _ = run(place, engine, "model", os.fspath(program))
    assert code != 0
    assert "it ran" not in out


@pytest.mark.parametrize("read", ["/", "/proc", "/proc/sys", "processes"])
def test_the_processes_of_the_machine_are_not_shown(place: Path, engine: str, read: str) -> None:
    """No listed path shows what the machine runs, by whatever way it leads there."""
    (place / "processes").symlink_to("/proc")
    write_policy(place, f'read = ["{read}"]')
    code, out, err = run(place, engine, "model", "/bin/echo", "it ran")
    assert (code, out) == (1, "")
    assert "the machine's processes" in err


def test_a_process_of_the_machine_is_not_shown_because_it_is_named(
    place: Path, engine: str
) -> None:
    """An argument below /proc is the program's own /proc, or nothing."""
    named = f"/proc/{os.getpid()}/status"
    assert Path(named).is_file()
    code, out, _ = run(place, engine, "model", "/bin/cat", named)
    assert code != 0
    assert out == ""


@pytest.mark.parametrize("write", [".", "/", "model", "..", "weighbridge.toml", "missing"])
def test_what_decides_is_not_changed(place: Path, engine: str, write: str) -> None:
    """A program may change neither the model nor the policy, nor what is no directory."""
    write_policy(place, f'write = ["{write}"]')
    code, out, err = run(place, engine, "model", "/bin/echo", "it ran")
    assert (code, out) == (1, "")
    assert "[isolation-unavailable]" in err


@pytest.mark.parametrize("write", ["keys", "more", "state", "state/weighbridge", "cache"])
def test_what_is_believed_is_not_changed(
    place: Path, write: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor the keys of signers, links to them, or what was noted of earlier checks."""
    for each in ("keys", "more", "state/weighbridge", "cache"):
        (place / each).mkdir(parents=True)
    monkeypatch.setenv("XDG_STATE_HOME", os.fspath(place / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(place / "cache"))
    (place / "publisher.pub").rename(place / "keys" / "real.pub")
    (place / "more" / "link.pub").symlink_to("../keys/real.pub")
    write_policy(place, f'write = ["{write}"]')
    policy = place / "weighbridge.toml"
    text = policy.read_text("utf-8").replace('"publisher.pub"', '"more/link.pub"')
    policy.write_text(text, "utf-8")
    code, out, err = run(place, working("direct"), "model", "/bin/echo", "it ran")
    assert (code, out) == (1, "")
    assert "[isolation-unavailable]" in err
    policy.write_text(text.replace(f'["{write}"]', '["other"]'), "utf-8")
    (place / "other").mkdir()
    assert run(place, "direct", "model", "/bin/echo", "it ran")[:2] == (0, "it ran\n")


@pytest.mark.parametrize(
    ("write", "decides"),
    [
        ("programs", "programs/bwrap"),
        ("linked", "programs/bwrap"),
        ("modules", "modules"),
        ("commands", "commands/weighbridge"),
        ("temporary", "temporary"),
        ("/etc", "/etc/ld.so.cache"),
    ],
)
def test_what_is_started_is_not_changed(
    place: Path, write: str, decides: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor where an engine's program may be, modules, the command, files of ours, or the linker's."""
    for each in ("programs", "linked", "modules", "commands", "temporary"):
        (place / each).mkdir()
    (place / "programs" / "bwrap").symlink_to("../linked/bwrap")
    monkeypatch.setattr(os, "defpath", f"{place}/programs{os.pathsep}{os.defpath}")
    monkeypatch.setattr(sys, "path", [*sys.path, f"{place}/modules"])
    (place / "commands" / "weighbridge").touch()
    monkeypatch.setattr(sys, "argv", [f"{place}/commands/weighbridge"])
    monkeypatch.setattr(tempfile, "tempdir", f"{place}/temporary")
    monkeypatch.chdir(place)
    write_policy(place, f'write = ["{write}"]')
    policy = Policy.from_file("weighbridge.toml")
    with pytest.raises(IsolationError, match="what it is checked by") as refused:
        running.run("model", ("/bin/true",), policy=policy, engine=working("direct"))
    assert refused.value.found == os.fspath(place / decides)


def test_links_of_an_earlier_program(place: Path, engine: str) -> None:
    """A link that a program left where it may write gives the next one nothing."""
    (place / "out").mkdir()
    (place / "hidden").mkdir()
    for each in ("secret", "hidden/script"):
        (place / each).write_text("secret", "utf-8")
    write_policy(place, 'write = ["out/more", "out"], read = ["out/settings"]')
    (place / "elsewhere").mkdir()
    for name, target in (("settings", "secret"), ("script", "secret"), ("more", "elsewhere")):
        (place / "out" / name).symlink_to(place / target)
    (place / "out" / "directory").symlink_to(place / "hidden")
    (place / "to-script").symlink_to(place / "out" / "script")
    for name in ("out/settings", "out/directory/script", "to-script", "secret"):
        script = 'cat "$0" 2>/dev/null'
        given = f"{place}/./{name}" if name != "secret" else f"{place}/secret "
        code, out, _ = run(place, engine, "model", "/bin/sh", "-c", script, given.strip(" "))
        # Named by itself it is given on purpose.
        assert (code, out) == ((0, "secret") if name == "secret" else (1, "")), name
    code, _, _ = run(place, engine, "model", "/bin/sh", "-c", f"echo > {place}/elsewhere/x")
    assert code != 0
    assert not (place / "elsewhere" / "x").exists()


def test_an_exit_code_is_no_lie(place: Path, engine: str) -> None:
    """A program that exits as one does that could not be confined has run all the same."""
    code, out, err = run(place, engine, "model", "/bin/sh", "-c", "echo it ran; exit 125")
    assert (code, out) == (125, "it ran\n")
    assert "[isolation-unavailable]" not in err


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_socket_as_input(place: Path, engine: str, kind: socket.SocketKind) -> None:
    """A socket to the network, as a standard stream, could be made to reach others: not run."""
    with socket.socket(socket.AF_INET, kind) as given:
        done = subprocess.run(
            [sys.executable, "-m", "weighbridge", *line(engine, "/bin/echo", "it ran")],
            cwd=place,
            stdin=given.fileno(),
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert "standard stream 0" in done.stderr


def test_a_pair_as_input(place: Path, engine: str) -> None:
    """One of two connected sockets is a pipe like others."""
    here, there = socket.socketpair()
    with here, there:
        here.sendall(b"text")
        here.shutdown(socket.SHUT_WR)
        done = subprocess.run(
            [sys.executable, "-m", "weighbridge", *line(engine, "/bin/cat")],
            cwd=place,
            stdin=there.fileno(),
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stdout) == (0, "text")


LEAVE = "setsid sh -c 'trap \"\" HUP TERM INT; sleep 600' & echo $TMPDIR"


def test_nothing_is_left_running(place: Path, engine: str) -> None:
    """What the program has started in a session of its own ends with the program."""
    with started(place, engine, LEAVE) as process:
        assert process.stdout is not None
        temporary = process.stdout.readline().strip()
        # The pipe ends when everybody who could write to it has ended.
        assert process.stdout.read() == ""
        assert process.wait() == 0
    assert engine != "direct" or not Path(temporary).exists()


def test_nothing_is_left_of_a_killed_command(
    place: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends with the command as well, when that is killed and can do nothing about it."""
    own = place / "temporary"
    own.mkdir()
    monkeypatch.setenv("TMPDIR", os.fspath(own))
    with started(place, engine, LEAVE + "; wait") as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip()
        process.send_signal(signal.SIGKILL)
        assert process.stdout.read() == ""
    assert list(own.iterdir()) == []


def test_nothing_is_left_on_the_disk(place: Path, engine: str) -> None:
    """The temporary directory goes, however deep it is and whoever may look into it."""
    code = (
        "import os\nprint(os.environ['TMPDIR'])\nos.chdir(os.environ['TMPDIR'])\n"
        "os.mkdir('closed', 0)\n"
        "for _ in range(3000):\n    os.mkdir('deep')\n    os.chdir('deep')\n"
    )
    python = (sys.executable, "-I", "-S", "-c", code)
    result = run(place, engine, "model", *python)
    assert result[0] == 0, result
    if engine == "direct":
        assert not Path(result[1].strip()).exists()


def test_a_tree_is_removed_and_links_are_not_followed(tmp_path: Path) -> None:
    """Everything below goes, and what a link points to stays."""
    kept = tmp_path / "kept"
    (kept / "inside").mkdir(parents=True)
    mode = stat.S_IMODE(kept.stat().st_mode)
    tree = tmp_path / "tree"
    (tree / "moved-0" / "moved-1").mkdir(parents=True)
    (tree / "moved-0" / "file").write_text("x", "utf-8")
    (tree / "moved-0" / "link").symlink_to(kept)
    (tree / "link").symlink_to(kept)
    (tree / "moved-0" / "moved-1" / "closed").mkdir(mode=0)
    remove_tree(os.fspath(tree))
    assert not tree.exists()
    assert (kept / "inside").is_dir()
    assert stat.S_IMODE(kept.stat().st_mode) == mode


def test_a_link_in_the_place_of_what_cannot_be_opened_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory that its mode keeps shut is opened up itself, and no other by its name."""
    kept, tree = tmp_path / "kept", tmp_path / "tree"
    kept.mkdir(mode=0o750)
    (tree / "shut").mkdir(parents=True, mode=0)
    os_open = os.open
    swapped: list[str] = []

    def refusing(path: Any, flags: int, *args: Any, **options: Any) -> int:
        if path == "shut" and not swapped:
            swapped.append(path)
            (tree / "shut").rmdir()
            (tree / "shut").symlink_to(kept)
            raise PermissionError
        return os_open(path, flags, *args, **options)

    monkeypatch.setattr("os.open", refusing)
    with pytest.raises(NotADirectoryError):
        remove_tree(os.fspath(tree))
    assert swapped
    assert stat.S_IMODE(kept.stat().st_mode) == 0o750
