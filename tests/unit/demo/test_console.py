"""The demonstration's output."""

import io

from weighbridge.demo.console import Console, Tone


def test_colours_appear_only_when_asked_for() -> None:
    """The same word has ANSI attributes with colour and none without."""
    assert Console(stream=io.StringIO()).style("DENY", Tone.BAD) == "DENY"
    assert (
        Console(stream=io.StringIO(), colour=True).style("DENY", Tone.BAD) == "\x1b[31mDENY\x1b[0m"
    )


def test_control_characters_are_escaped() -> None:
    """Text from an artifact cannot steer the terminal, with colour or without."""
    assert Console(stream=io.StringIO()).style("a\x1b[2Jb", Tone.BAD) == "a\\x1b[2Jb"
    assert "\x1b[2J" not in Console(stream=io.StringIO(), colour=True).style("\x1b[2J", Tone.BAD)


def test_lines_arrive_one_by_one() -> None:
    """Each written line is in the stream at once, ended by one newline."""
    stream = io.StringIO()
    console = Console(stream=stream)
    console.write("one")
    assert stream.getvalue() == "one\n"
    console.write()
    assert stream.getvalue() == "one\n\n"
