"""Find the note of a run, and repeat the run if nothing has changed; see the package."""

from weighbridge.pipeline.again.facts import call_key, facts
from weighbridge.pipeline.again.notes import find, same
from weighbridge.sandbox.walls.launching import NotStartedError, launch, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def run_again(arguments: "Sequence[str]", /) -> int | None:
    """
    Return the exit code of the program that `weighbridge run` was asked for with *arguments*.

    None where it was not run: there is no note of exactly this call, something that decided about
    it has changed, or the walls could not be put up. Then it has to be decided anew.
    """
    note: dict[str, Any] | None = find(call_key(arguments))
    if note is None:
        return None
    try:
        now = facts(**note["of"])
    except OSError:
        return None
    if not same(note["facts"], now):
        return None
    say(note["said"])
    start: dict[str, Any] = note["start"]
    try:
        end = launch(**start)
    except NotStartedError:
        return None
    for complaint in end.complaints(start["shares"]):
        say(complaint)
    return end.code
