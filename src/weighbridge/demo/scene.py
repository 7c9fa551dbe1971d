"""What a scene of the demonstration is, what it expects, and how it is told."""

import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Generic, TypeVar

from weighbridge.core.codes import Code
from weighbridge.core.errors import WeighbridgeError
from weighbridge.core.values import frozen
from weighbridge.core.verdict import Decision, Reason, Verdict
from weighbridge.demo.console import Console, Tone
from weighbridge.demo.workshop import Workshop

INDENT: Final = "    "
_WIDTH: Final = 96
_CONTINUED: Final = " \\"
_SHOWN_REASONS: Final = 3
_TONES: Final = {
    Decision.ALLOW: Tone.GOOD,
    Decision.DENY: Tone.BAD,
    Decision.INDETERMINATE: Tone.BAD,
}


W_contra = TypeVar("W_contra", bound=Workshop, contravariant=True)


class UnexpectedError(Exception):
    """A scene did not end as it has to; the message says what was expected and what came."""


@frozen
class Scene(Generic[W_contra]):
    """
    One step of the story.

    Attributes:
        title: One line.
        play: Tells the step and does it. Raises `UnexpectedError` when it does not end as it
            has to; a `WeighbridgeError` that it lets through is not expected either.
        needed: Whether later scenes build on it.
    """

    title: str
    play: Callable[[W_contra], None]
    needed: bool = False


@frozen
class Expected:
    """
    A blocking reason that a verdict has to have.

    Attributes:
        code: The reason's code.
        path: The file that it names; None for the whole model.
    """

    code: str
    path: str | None

    def __str__(self) -> str:
        return f"{self.code} about {self.path or 'the model'}"


def say(console: Console, text: str) -> None:
    """Tell *text*, wrapped and indented."""
    for line in textwrap.wrap(text, width=_WIDTH - len(INDENT)):
        console.write(INDENT + line)


def show_command(console: Console, command: str) -> None:
    """Show what a user would type, on several lines where one would be too long."""
    pieces = textwrap.wrap(
        f"$ {command}",
        width=_WIDTH - len(INDENT) - len(_CONTINUED),
        subsequent_indent=INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for piece in pieces[:-1]:
        console.write(f"{INDENT}{console.style(f'{piece}{_CONTINUED}', Tone.COMMAND)}")
    console.write(f"{INDENT}{console.style(pieces[-1], Tone.COMMAND)}")


def show_code(console: Console, code: str) -> None:
    """Show what a program would say."""
    console.write(f"{INDENT}{console.style(f'>>> {code}', Tone.COMMAND)}")


def show_verdict(console: Console, verdict: Verdict, *, first: Sequence[Expected] = ()) -> None:
    """Show the decision and, unless it is allow, reasons against, those of *first* before all."""
    label = console.style(f"{verdict.decision.upper():<8}", _TONES[verdict.decision])
    against = [reason for reason in verdict.reasons if reason.blocking]
    against.sort(key=lambda r: Expected(code=r.code, path=r.path) not in first)
    lines = [_reason_line(reason) for reason in against[:_SHOWN_REASONS]]
    if len(against) > _SHOWN_REASONS:
        lines.append(f"and {len(against) - _SHOWN_REASONS} more")
    if verdict.decision is Decision.ALLOW:
        lines = [_reason_line(reason) for reason in verdict.reasons if reason.code == Code.ALLOWED]
        lines.append(f"{len(verdict.covered)} files covered, {len(verdict.uncovered)} not")
    show_lines(console, label, lines)


def show_lines(console: Console, label: str, lines: Iterable[str]) -> None:
    """Show *lines* beside a label of eight columns, each wrapped on its own."""
    margin = INDENT + " " * 9
    first = f"{INDENT}{label} "
    for line in lines:
        for piece in textwrap.wrap(line, width=_WIDTH - len(margin), break_on_hyphens=False):
            console.write(f"{first}{console.style(piece, Tone.PLAIN)}")
            first = margin


def expect_allow(verdict: Verdict) -> None:
    """
    Hold *verdict* to be allow.

    Raises:
        UnexpectedError: It is not.
    """
    if verdict.decision is not Decision.ALLOW:
        raise UnexpectedError(f"expected allow, found {describe(verdict)}")


def expect_denial(verdict: Verdict, *expected: Expected) -> None:
    """
    Hold *verdict* to be deny, for each of the reasons *expected*, maybe among others.

    Raises:
        UnexpectedError: It is not.
    """
    found = {(reason.code, reason.path) for reason in verdict.reasons if reason.blocking}
    missing = [str(e) for e in expected if (e.code, e.path) not in found]
    if verdict.decision is not Decision.DENY or missing:
        wanted = " and ".join(missing or map(str, expected))
        raise UnexpectedError(f"expected deny with {wanted}, found {describe(verdict)}")


def describe(verdict: Verdict) -> str:
    """Return the decision with the codes that led to it."""
    against = (reason for reason in verdict.reasons if reason.blocking)
    codes = sorted({str(Expected(code=reason.code, path=reason.path)) for reason in against})
    return f"{verdict.decision}" + (f" with {', '.join(codes)}" if codes else "")


def explain(error: WeighbridgeError | UnexpectedError) -> str:
    """Return why a scene did not end as it has to."""
    if isinstance(error, UnexpectedError):
        return str(error)
    return f"expected no error, found {error}"


def _reason_line(reason: Reason) -> str:
    place = f"{reason.path}: " if reason.path else ""
    return f"{place}{reason.message} [{reason.code}]"
