"""What is wrong with a call is said in the format that was asked for, and decides nothing."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from support.hub_models import files_below
from support.publisher import make_workplace
from support.streams import FullStream
from weighbridge.cli.interrupts import heed_termination
from weighbridge.cli.main import run
from weighbridge.cli.terminal import Session

POLICY = ("--policy", "weighbridge.toml")
SIGNER = ("--private-key", "publisher.key")


@pytest.fixture
def place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Path:
    """Return the current directory, with a signed model and a policy that allows it."""
    monkeypatch.chdir(make_workplace(tmp_path))
    assert run(["sign", "key", "model", "--private-key", "publisher.key", "--quiet"]) == 0
    capsys.readouterr()
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", "model", "--format", "json"), "--policy"),
        (("check", "model", "--format=json"), "--policy"),
        (("check", *POLICY, "--format", "json"), "REF"),
        (("check", "model", "--polcy", "x", "--format", "json"), "--polcy"),
        (("check", "model", *POLICY, "--format", "sarif", "--bogus"), "--bogus"),
        (("scan", "a", "b", "--jobs", "0", "--format", "json"), "--jobs"),
        (("bom", "model", "--boundary", "", "--format", "spdx"), "--boundary"),
    ],
)
def test_a_wrong_call_is_a_document_where_json_was_asked_for(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    """A call that cannot be meant is told as JSON, also where an option is not known."""
    assert run(arguments) == 2
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert (found["schema"], found["code"]) == ("weighbridge.error/v1", "usage")
    assert said in found["message"]
    assert printed.err == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "model"),
        ("check", "model", *POLICY, "--format", "yaml"),
        ("exec", *POLICY, "--", ""),
        ("exec", *POLICY, "--polcy", "x", "true"),
        ("exec", *POLICY, "--log", "nosuch/new", "--", "true"),
        ("exec", *POLICY, "--log", ".", "--", "true"),
        ("guard", "install", *POLICY, "--log", "nosuch/new"),
        ("keygen", "new.key", "--no-password", "--password-file", "nosuch"),
        ("attest", "convert", "model", *SIGNER, "--to", "", "--input", "publisher.pub"),
        ("attest", "build", "model", *SIGNER, "--started", "0001-01-01T00:00:00+14:00"),
        ("policy", "init", "--output", "new.toml", "--public-key", "\udcff.pub"),
        ("keygen", ".", "--no-password"),
        ("keygen", "/", "--no-password"),
        ("check", "model", *POLICY, "--receipt", "/"),
        ("policy", "init", "--output", "."),
        ("chek", "model"),
    ],
)
def test_a_wrong_call_has_a_code_and_a_hint(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    """As text, a call that cannot be meant ends with a code like every other message."""
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.rstrip().endswith("[usage]")


def test_a_command_that_is_not_known_names_the_one_that_is_like_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whoever writes `chek` is told of `check`; who writes something else is told of none."""
    assert run(["chek"]) == 2
    assert "Did you mean 'check'? `weighbridge --help` shows" in capsys.readouterr().err
    assert run(["frobnicate"]) == 2
    assert "Did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize(("form", "json_expected"), [("sarif", True), ("html", False)])
def test_errors_are_json_for_those_who_read_json(
    place: Path, capsys: pytest.CaptureFixture[str], form: str, *, json_expected: bool
) -> None:
    """An error is on standard output where the result would be JSON, and on the other elsewhere."""
    assert run(["scan", "nosuch", "--format", form]) == 2
    printed = capsys.readouterr()
    assert printed.out.startswith("{") is json_expected
    assert ("[reference-not-found]" in printed.err) is not json_expected


def test_an_error_among_several_references_is_one_line(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where each line is a document, that of an error is one as well; alone it is spread out."""
    assert run(["scan", "model", "nosuch", "--format", "json"]) == 2
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["code"] == "reference-not-found"
    assert run(["scan", "nosuch", "--format", "json"]) == 2
    assert len(capsys.readouterr().out.splitlines()) > 1


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (PermissionError(13, "Permission denied", "key.pub"), "io-failed"),
        (KeyError("x"), "internal"),
    ],
)
def test_what_nobody_expected_is_a_document_too(
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    raised: Exception,
    code: str,
) -> None:
    """Errors of the system and of the tool itself are JSON where JSON was asked for."""

    def fail(*_: object, **__: object) -> NoReturn:
        raise raised

    monkeypatch.setattr("weighbridge.cli.commands.check.Policy.from_file", fail)
    assert run(["check", "model", *POLICY, "--format", "json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["code"] == code
    assert run(["check", "model", *POLICY]) == 1
    assert f"[{code}]" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "model", *POLICY, "--policy", "lax.toml"),
        ("check", "model", *POLICY, "--boundary", "load", "--boundary", "upload"),
        ("exec", *POLICY, *POLICY, "--", "true"),
        ("policy", "show", *POLICY, *POLICY),
        ("claims", "list", "model", *POLICY, *POLICY),
        ("scan", "model", "--fail-on", "low", "--fail-on", "critical"),
        ("verify", "sigstore", "model", "--identity", "a", "--identity", "b"),
        ("trust", "show", "--trust-config", "a", "--trust-config", "b"),
    ],
)
def test_what_decides_is_said_once(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    """Of two policies, boundaries, bars or identities none is taken; not the last one either."""
    assert run(arguments) == 2
    assert "it can be given once" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "model", "--policy", ""),
        ("check", "model", *POLICY, "--receipt", ""),
        ("pull", "model", "", *POLICY),
        ("bom", "model", "--output", ""),
        ("keygen", "", "--no-password"),
        ("policy", "init", "--output", ""),
        ("verify", "key", "model", "--public-key", ""),
    ],
)
def test_an_empty_name_is_no_path(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    """A variable of a script that was not set does not mean the current directory."""
    before = sorted(each.name for each in place.iterdir())
    assert run(arguments) == 2
    assert "a path is expected, and found is ''" in "".join(capsys.readouterr())
    assert sorted(each.name for each in place.iterdir()) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("bom", "model/config.json", "--output", "model/config.json"),
        ("bom", "model", *POLICY, "--output", "weighbridge.toml"),
        ("scan", "model", "model/config.json", "--report", "link.json"),
        ("check", "model", *POLICY, "--receipt", "weighbridge.toml"),
        ("check", "model/config.json", *POLICY, "--receipt", "link.json"),
    ],
)
def test_a_result_is_not_written_over_what_it_is_about(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    """A model, or a policy, that was named twice by mistake is still there, also by a link."""
    (place / "link.json").symlink_to("model/config.json")
    before = files_below(place)
    assert run(arguments) == 2
    assert "written over" in "".join(capsys.readouterr())
    assert files_below(place) == before


def test_an_empty_key_is_not_the_usual_one(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A variable that is not set, where a new policy is to name a key, names none."""
    assert run(["policy", "init", "--output", "new.toml", "--public-key", ""]) == 10
    assert "'public-key' is empty" in capsys.readouterr().err
    assert not (place / "new.toml").exists()


def test_an_empty_boundary_is_none(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rule for every boundary is not found by no boundary."""
    text = Path("weighbridge.toml").read_text().replace('["load", "deploy"]', '["*"]')
    Path("weighbridge.toml").write_text(text)
    assert run(["check", "model", *POLICY, "--boundary", "anywhere"]) == 0
    assert run(["check", "model", *POLICY, "--boundary", ""]) == 2
    assert "--boundary" in capsys.readouterr().err


def test_nothing_is_asked_of_a_path_before_it_is_opened(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a file may be read is found out by reading it, and so an error of the machine."""
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    assert run(["check", "model", *POLICY]) == 0


def test_talk_that_cannot_be_written_is_left_out() -> None:
    """A full disk behind standard error changes no result; behind standard output it does."""
    session = Session(out=io.StringIO(), err=FullStream())
    session.talk("signed")
    session.talk("signed again")
    session.write("result")
    with pytest.raises(Exception, match="the result cannot be written: No space left"):
        Session(out=FullStream(), err=io.StringIO()).write("result")


@pytest.fixture
def _handlers() -> Iterator[None]:
    """Put back what was done at these signals."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_handlers")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_unwinds(number: signal.Signals) -> None:
    """A request to end, or the end of the terminal, is an exit that cleans up, with its code."""
    heed_termination()
    with pytest.raises(SystemExit) as ended:
        os.kill(os.getpid(), number)
    assert ended.value.code == 128 + number


@pytest.mark.usefixtures("_handlers")
def test_what_outlives_its_terminal_still_does() -> None:
    """Where a hangup was ignored when the command was started, it is ignored."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    heed_termination()
    os.kill(os.getpid(), signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


@pytest.mark.usefixtures("_handlers")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_pull_that_is_asked_to_end_leaves_nothing(
    place: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """Asked to end when everything is written and has no name yet, a pull takes it away."""
    before = sorted(each.name for each in place.iterdir())

    def end(*_: object) -> None:
        assert sorted(each.name for each in place.iterdir()) != before
        os.kill(os.getpid(), number)

    monkeypatch.setattr("weighbridge.pipeline.pulling.set_mode", end)
    with pytest.raises(SystemExit):
        run(["pull", "model", "out", *POLICY])
    assert sorted(each.name for each in place.iterdir()) == before


EARLY = """
import os, signal, sys
from weighbridge.cli import entry

class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == "weighbridge.cli.main":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupted())
sys.argv = ["weighbridge", "--version"]
entry.main()
"""


def test_an_interrupt_before_anything_is_imported_leaves_no_trace() -> None:
    """Ctrl-C in the first moments ends the command by the signal, without a traceback."""
    done = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (-signal.SIGINT, b"", b"")
