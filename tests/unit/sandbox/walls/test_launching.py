"""What a start says of itself."""

import resource
import signal

import pytest

from support.streams import FullStream
from weighbridge.sandbox.walls.launching import NotStartedError, _why_not, launch, say


@pytest.mark.parametrize("stream", [None, FullStream()])
def test_a_program_is_started_where_nobody_can_be_told(
    monkeypatch: pytest.MonkeyPatch, stream: object
) -> None:
    """Without standard error, or with a full disk behind it, the line is left out."""
    monkeypatch.setattr("sys.stderr", stream)
    say("isolated by bubblewrap")


def test_what_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Elsewhere it is a line of its own."""
    say("isolated by bubblewrap")
    assert capsys.readouterr().err == "isolated by bubblewrap\n"


@pytest.mark.parametrize(
    ("allowed", "said"),
    [(32, "114 files may be open"), (113, "114"), (114, "Invalid"), (-1, "Invalid")],
)
def test_a_limit_of_open_files_that_is_too_low_is_named(
    monkeypatch: pytest.MonkeyPatch, allowed: int, said: str
) -> None:
    """Where the descriptors of a start are above what the process may have, that is said."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (allowed, allowed))
    assert said in _why_not(OSError(22, "Invalid argument"), {101: 5, 110: 7})


@pytest.mark.parametrize(
    ("line", "listen", "seconds"),
    [(("/bin/sleep", "1000"), [], 0), (("/bin/true",), [("127.0.0.1", 0)], None)],
    ids=["in time", "with a relay"],
)
def test_what_was_started_is_waited_for_whoever_ignores_the_end_of_children(
    line: tuple[str, ...], listen: list[tuple[str | None, int]], seconds: int | None
) -> None:
    """What is ended here, or with the program, is no error then, and the signal is ignored again."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with pytest.raises(NotStartedError):
            launch(line, contents=(), order={}, listen=listen, seconds=seconds)
        assert signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGCHLD, before)
