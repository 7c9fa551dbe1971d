"""What a repeated run says of itself."""

import pytest

from support.streams import FullStream
from weighbridge.sandbox.walls.launching import say


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
