"""`weighbridge run` a second time: what repeats a run, and everything that has it decided anew."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.groups import has_groups
from support.walled import write_policy
from weighbridge.inventory import standing
from weighbridge.pipeline.again import facts as facts_module
from weighbridge.pipeline.again import keeping, notes
from weighbridge.pipeline.again.facts import call_key
from weighbridge.pipeline.again.running import run_again
from weighbridge.pipeline.running import Noting, Run, run
from weighbridge.policy.schema import Policy
from weighbridge.sandbox.groups import group
from weighbridge.sandbox.walls.engines import choose_engine
from weighbridge.sandbox.walls.interface import Strength
from weighbridge.sandbox.walls.starting import PACKAGE

PLAIN = 'network = "none", env = ["LISTED"]'
COMMAND = ("/bin/sh", "-c", "exit 7")
SUPPRESSED = """stamps = "trust"

[[rule.scan.suppress]]
rule    = "pickle-global"
path    = "a.pkl"
reason  = "looked at"
expires = 2999-01-01
"""


@pytest.fixture
def home(place: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> Path:
    """Return a place where runs are noted: files on any file system count as settled."""
    if choose_engine()[0].name != "bubblewrap":
        pytest.skip("only runs by bubblewrap are repeated")
    (place / "home").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "home" / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(place / "home" / "state"))
    monkeypatch.setenv("WEIGHBRIDGE_STORE", str(place / "home" / "store"))
    monkeypatch.setenv("LISTED", "as before")
    monkeypatch.setenv("PATH", os.environ["PATH"])  # to be set back
    # Where the tests were started files come and go, as of coverage, which would be a change.
    lasting = [each for each in sys.path if Path(each).resolve() != pytestconfig.rootpath]
    monkeypatch.setattr(sys, "path", lasting)
    monkeypatch.setattr(keeping, "MIN_STAMP_AGE_NS", -(10**18))
    devices = frozenset({place.stat().st_dev})
    monkeypatch.setattr(facts_module, "_lasting_devices", lambda: devices)
    monkeypatch.chdir(place)
    write(place)
    return place


def write(place: Path, isolation: str = PLAIN, rule: str = 'stamps = "trust"') -> None:
    """Write a policy that trusts stamps, or does not."""
    write_policy(place, isolation)
    policy = place / "weighbridge.toml"
    policy.write_text(policy.read_text("utf-8") + f"{rule}\n", "utf-8")


def words(*command: str) -> tuple[str, ...]:
    """Return the arguments of the call."""
    return ("model", "--policy", "weighbridge.toml", "--", *command)


def run_noted(*command: str, meanwhile: Callable[[], object] = lambda: None) -> Run:
    """Run *command* as `weighbridge run` does, and do something when it is decided."""

    def decided(strength: Strength) -> None:
        del strength
        meanwhile()

    return run(
        "model",
        command,
        policy=Policy.from_file("weighbridge.toml"),
        started=decided,
        noted=Noting(name=call_key(words(*command)), said=lambda strength: strength.engine),
    )


def test_the_same_call_is_repeated(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It ends as before, is told of as before, and reads nothing; another call is not repeated."""
    assert run_noted(*COMMAND).exit_code == 7
    capfd.readouterr()
    assert run_again(words(*COMMAND)) == 7
    assert capfd.readouterr().err == "bubblewrap\n"
    assert run_again(words("/bin/sh", "-c", "exit 8")) is None


def test_a_repeated_run_sees_the_verified_files_alone(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What the program finds is what it found before: the copy, and no network."""
    show = ("/bin/sh", "-c", "ls -R $WEIGHBRIDGE_MODEL; cat /proc/net/dev | wc -l; env | sort")
    run_noted(*show)
    before = capfd.readouterr().out
    assert run_again(words(*show)) == 0
    assert capfd.readouterr().out == before
    assert "model.safetensors" in before
    assert "model.sig" not in before
    assert "LISTED=as before" in before


class Again:
    """A process that does nothing but repeat a run, and what it reads and says."""

    NOT = 99

    def __init__(self, *command: str) -> None:
        given, self._given = os.pipe()
        said, saying = os.pipe()
        self.process = os.fork()
        if self.process == 0:
            code = None
            try:
                # As in a fresh process: commands of other tests may have set it in this one.
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                os.dup2(given, 0)
                os.dup2(saying, 1)
                code = run_again(words(*command))
            finally:
                os._exit(self.NOT if code is None else code)
        os.close(given)
        os.close(saying)
        self._said = os.fdopen(said)

    def ready(self) -> str:
        """Let the program go on, and return what it says."""
        os.write(self._given, b"go on\n")
        return self._said.readline()

    def end(self) -> int:
        """Return what it ends with; `NOT` where nothing was repeated."""
        _, status = os.waitpid(self.process, 0)
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        """Let go of what it reads and says."""
        self._said.close()
        os.close(self._given)


@contextmanager
def repeating(*command: str) -> Iterator[Again]:
    """Repeat a run in a process of its own."""
    again = Again(*command)
    try:
        yield again
    finally:
        again.close()


def exchange_key(place: Path) -> None:
    """Replace the publisher's key by another one."""
    shutil.copy(place / "stranger.pub", place / "publisher.pub")


def lead_elsewhere(place: Path) -> None:
    """Have the model's name lead to another directory with the same files."""
    (place / "model").rename(place / "moved")
    shutil.copytree(place / "moved", place / "other", copy_function=os.link)
    (place / "model").symlink_to("other")


def change_the_copy(place: Path) -> None:
    """Write other bytes of the same length into a file of the store."""
    for file in (place / "home" / "store").rglob("model.safetensors"):
        file.chmod(0o600)
        file.write_bytes(bytes(file.stat().st_size))
        file.chmod(0o444)


def flip_a_bit(place: Path) -> None:
    """Change the last byte of the note."""
    (note,) = (place / "home" / "cache" / "weighbridge" / "runs").iterdir()
    data = note.read_bytes()
    note.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def exchange_the_notes_key(place: Path) -> None:
    """Replace the key that notes are authenticated with."""
    (place / "home" / "state" / "weighbridge" / "checks.key").write_bytes(bytes(32))


CHANGES: dict[str, Callable[[Path], object]] = {
    "a weight": lambda place: (place / "model" / "model.safetensors").write_bytes(b"x"),
    "its times": lambda place: os.utime(place / "model" / "config.json"),
    "one more file": lambda place: (place / "model" / "more.bin").touch(),
    "one more directory": lambda place: (place / "model" / "more").mkdir(),
    "one file less": lambda place: (place / "model" / "config.json").unlink(),
    "the signature": lambda place: (place / "model" / "model.sig").touch(),
    "the policy": lambda place: write(place, rule='stamps = "trust"\n# other bytes'),
    "a key": exchange_key,
    "where the name leads": lead_elsewhere,
    "the copy": change_the_copy,
    "the store's mode": lambda place: (place / "home" / "store").chmod(0o770),
    "the note": flip_a_bit,
    "the notes' key": exchange_the_notes_key,
    "the note's mode": lambda place: next((place / "home").glob("cache/*/runs/*")).chmod(0o644),
    "a listed variable": lambda _: os.environ.__setitem__("LISTED", "otherwise"),
    "a variable that is taken away": lambda _: os.environ.pop("LISTED"),
    "where programs are looked for": lambda _: os.environ.__setitem__("PATH", "/usr/bin"),
    "where it is said": lambda place: os.chdir(place / "home"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_has_changed_it_is_decided_anew(
    home: Path, change: Callable[[Path], object]
) -> None:
    """Nothing is run by the note."""
    run_noted(*COMMAND)
    assert run_again(words(*COMMAND)) == 7
    change(home)
    assert run_again(words(*COMMAND)) is None


def test_a_file_that_the_command_names_counts(home: Path) -> None:
    """It is shown to the program where it is one; a name that became another thing is not."""
    (home / "script").write_text("exit 3", "utf-8")
    assert run_noted("/bin/sh", "script").exit_code == 3
    assert run_again(words("/bin/sh", "script")) == 3
    (home / "script").unlink()
    (home / "script").symlink_to("/etc/passwd")
    assert run_again(words("/bin/sh", "script")) is None


def test_a_run_that_may_write_is_repeated(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It changes what the first one could, also where it names that; a link there leads nowhere."""
    (home / "out").mkdir()
    write(home, 'network = "none", write = ["out"]')
    script = 'cat "$0"; echo more > "$0.new"; mv "$0.new" "$0"'
    command = ("/bin/sh", "-c", script, "out/log")
    run_noted(*command)
    capfd.readouterr()
    assert run_again(words(*command)) == 0
    assert capfd.readouterr().out == "more\n"
    (home / "secret").write_text("secret", "utf-8")
    (home / "out" / "log").unlink()
    (home / "out" / "log").symlink_to(home / "secret")
    assert run_again(words(*command)) == 0
    assert capfd.readouterr().out == ""
    assert (home / "secret").read_text("utf-8") == "secret"


def test_where_a_run_may_write_counts(home: Path) -> None:
    """A directory that became a link, or is reached by one, is looked at anew."""
    (home / "out").mkdir()
    write(home, 'network = "none", write = ["out"]')
    run_noted(*COMMAND)
    assert run_again(words(*COMMAND)) == 7
    (home / "out").rename(home / "moved")
    (home / "out").symlink_to(home / "moved")
    assert run_again(words(*COMMAND)) is None
    assert run_noted(*COMMAND).exit_code == 7
    assert run_again(words(*COMMAND)) == 7
    (home / "out").unlink()
    assert run_again(words(*COMMAND)) is None


@pytest.mark.parametrize(
    ("isolation", "rule"),
    [
        (PLAIN, 'stamps = "ignore"'),
        (PLAIN, ""),
        (PLAIN, 'stamps = "trust"\nscan = { also = [] }\n[trust.publisher.x]'),
        (PLAIN, SUPPRESSED),
    ],
)
def test_what_cannot_be_repeated_is_not_noted(home: Path, isolation: str, rule: str) -> None:
    """Without trust in stamps, and with dates."""
    if "trust.publisher.x" in rule:
        rule = 'stamps = "trust"'
        write(home, PLAIN, rule)
        policy = home / "weighbridge.toml"
        text = policy.read_text("utf-8")
        dated = '"publisher.pub"\nvalid-until = 2999-01-01'
        policy.write_text(text.replace('"publisher.pub"', dated), "utf-8")
    else:
        write(home, isolation, rule)
    assert run_noted(*COMMAND).exit_code == 7
    assert not (home / "home" / "cache" / "weighbridge" / "runs").exists()
    assert run_again(words(*COMMAND)) is None


def test_what_changed_while_it_was_read_is_not_noted(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A note is about files that nobody touched since before they were read."""
    monkeypatch.setattr(keeping, "MIN_STAMP_AGE_NS", 0)
    assert run_noted(*COMMAND).exit_code == 7  # the copy was made meanwhile
    assert run_again(words(*COMMAND)) is None
    assert run_noted(*COMMAND).exit_code == 7
    assert run_again(words(*COMMAND)) == 7


@pytest.mark.parametrize("name", ["the policy", "a key"])
def test_what_has_changed_since_it_was_read_is_not_noted(home: Path, name: str) -> None:
    """A note is of what decided, and not of what is in its place when the program starts."""
    assert run_noted(*COMMAND, meanwhile=lambda: CHANGES[name](home)).exit_code == 7
    assert run_again(words(*COMMAND)) is None


def test_a_policy_that_was_exchanged_before_is_not_noted(home: Path) -> None:
    """What decides is the policy that was read, whatever is at its path when the run begins."""
    policy = Policy.from_file("weighbridge.toml")
    CHANGES["the policy"](home)
    noted = Noting(name=call_key(words(*COMMAND)), said=lambda strength: strength.engine)
    assert run("model", COMMAND, policy=policy, noted=noted).exit_code == 7
    assert run_again(words(*COMMAND)) is None


def start_otherwise(monkeypatch: pytest.MonkeyPatch, **changed: object) -> None:
    """Have the noted run found with another start."""
    found = notes.find(call_key(words(*COMMAND)))
    assert found is not None
    start = found["start"]
    assert isinstance(start, dict)
    note = {**found, "start": {**start, **changed}}
    monkeypatch.setattr("weighbridge.pipeline.again.running.find", lambda _: note)


def test_walls_that_cannot_be_put_up_are_no_run(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it is decided anew, and said why it does not work."""
    run_noted(*COMMAND)
    for listen in ((), (("127.0.0.1", 0),)):
        start_otherwise(monkeypatch, contents=(b"--no-such-option\0",), listen=listen)
        assert run_again(words(*COMMAND)) is None


SERVER = """
import socket, sys
if not sys.stdin.readline():
    sys.exit(7)
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    print("ready", flush=True)
    connection, _ = server.accept()
    connection.sendall(b"served")
    connection.close()
sys.exit(5)
"""


def test_a_server_is_repeated(home: Path) -> None:
    """With ports, places that it may ask and limits: they are made anew, and hold."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    together = "processes = 500, memory-mib = 2000," if has_groups() else ""
    asked = 'connect = ["db.example.com:5432"], tmp-mib = 10, seconds = 100000'
    write(home, f"listen = [{port}], {together} {asked}")
    command = (sys.executable, "-I", "-S", "-c", SERVER, str(port))
    assert run_noted(*command).exit_code == 7  # there is nothing to be read here
    with repeating(*command) as again:
        assert again.ready() == "ready\n"
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert client.recv(100) == b"served"
        assert again.end() == 5
    with socket.create_server(("127.0.0.1", port)):
        assert run_again(words(*command)) is None


def test_a_run_is_repeated_once_for_who_ignores_the_end_of_children(home: Path) -> None:
    """How the program ends is told all the same, and it is not started anew."""
    run_noted(*COMMAND)
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert run_again(words(*COMMAND)) == 7
        assert signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_what_a_group_holds_is_what_was_said(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It says what it killed; where it holds less by now, the run is not repeated."""
    if not has_groups():
        pytest.skip("no control group can be made here")
    write(home, "memory-mib = 60")
    take = (sys.executable, "-I", "-S", "-c", "x = bytearray(b'1' * (200 << 20))")
    assert run_noted(*take).exit_code == run_again(words(*take)) == 137
    assert "may use 60 MiB" in capfd.readouterr().err
    monkeypatch.setattr(group, "_trees", tuple)
    assert run_again(words(*take)) is None


def test_signals_reach_the_program_of_a_repeated_run(home: Path) -> None:
    """A program that is asked to end does so in its own way, and its exit code counts."""
    command = ("/bin/bash", "-c", "read line || exit 0; trap 'exit 9' TERM; echo ready; read line")
    run_noted(*command)  # there is nothing to be read here
    with repeating(*command) as again:
        assert again.ready() == "ready\n"
        os.kill(again.process, signal.SIGTERM)
        assert again.end() == 9


@pytest.mark.parametrize(
    "script",
    ["kill -TERM $PPID; read line", "(trap '' TERM; kill -TERM $PPID; read line); :"],
    ids=["by what is started", "by what that has started and heeds none"],
)
def test_a_signal_before_the_program_is_there_ends_the_run(
    home: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    """It is not decided anew then, and started after all."""
    run_noted(*COMMAND)
    start_otherwise(monkeypatch, line=("/bin/sh", "-c", script))
    with repeating(*COMMAND) as again:
        assert again.end() in {128 + signal.SIGTERM, -signal.SIGTERM}


def test_the_lists_are_those_of_remembered_checks() -> None:
    """What is written twice, so that little is imported, is the same."""
    assert facts_module._LASTING == standing.LASTING
    assert facts_module._lasting_devices() == standing.lasting_devices()
    assert os.fspath(PACKAGE) == facts_module._PACKAGE


def test_little_is_imported_before_a_run_is_repeated() -> None:
    """Nothing of what takes longest: types, data classes, JSON, processes, the command line."""
    code = (
        f"import sys; sys.path.append({str(PACKAGE.parent)!r})\n"
        "import weighbridge.pipeline.again.running; print('\\n'.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], check=True, capture_output=True, text=True
    )
    loaded = set(done.stdout.split())
    slow = {"typing", "re", "enum", "json", "dataclasses", "subprocess", "pathlib", "click"}
    assert not slow & loaded
    assert not {name for name in loaded if name.startswith("weighbridge.core")}
