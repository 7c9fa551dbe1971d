"""What the command line knows of the terminal: colour, progress, and where talk goes."""

import io
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TextIO

import click

if TYPE_CHECKING:
    import logging

    from click._termui_impl import ProgressBar

_PATIENCE_SECONDS: Final = 1.0
"""Work that is done sooner shows no progress bar."""


@dataclass(slots=True)
class Session:
    """One run of the command: what the flags said, for the commands and the error boundary."""

    format: str = "text"
    quiet: bool = False
    one_line: bool = False
    """Whether each JSON document has a line of its own, an error's too."""
    out: TextIO = field(default_factory=lambda: _prepared(sys.stdout, discard=False))
    err: TextIO = field(default_factory=lambda: _prepared(sys.stderr, discard=True))

    def write(self, text: str) -> None:
        """
        Print a result to standard output.

        Raises:
            OperationError: It cannot be written.
            BrokenPipeError: Whoever read it has gone.
        """
        with _result():
            self.out.write(text if text.endswith("\n") else text + "\n")

    def flush(self) -> None:
        """Have everything printed that was written; raises as `write` does."""
        with _result():
            self.out.flush()

    def talk(self, text: str) -> None:
        """Print talk to standard error, unless the user wants none."""
        if not self.quiet:
            self.complain(text)

    def complain(self, text: str) -> None:
        """Print to standard error; where that cannot be written, as where it is closed, nothing."""
        with suppress(OSError):  # nobody could be told
            self.err.write(text + "\n")
            self.err.flush()

    @property
    def colour(self) -> bool:
        """Whether results may be coloured."""
        return colour_wanted(self.out)

    def progress(self) -> "Progress":
        """Return a progress display, silent when piped, quiet, or over soon."""
        return Progress(self.err, shown=not self.quiet and self.err.isatty())


@contextmanager
def _result() -> Iterator[None]:
    """Say of an error that it is standard output that cannot be written."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        # Imported here: every command is faster for it, and few results cannot be written.
        from weighbridge.core.errors import OperationError  # noqa: PLC0415  see above

        reason = "it is closed" if isinstance(error, io.UnsupportedOperation) else error.strerror
        raise OperationError(
            f"the result cannot be written: {reason or error}", where="standard output"
        ) from error


def _prepared(stream: TextIO | None, *, discard: bool) -> TextIO:
    """
    Return *stream* so that any text can be written to it.

    Characters that its encoding lacks are escaped: a name must not turn a result into a crash.
    Where whoever started the command closed the stream, what is written is discarded, or, since
    a result that nobody can read is none, every write is an `OSError`.
    """
    if stream is None:
        return Path(os.devnull).open("w" if discard else "r", encoding="utf-8")
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream


def log_handler() -> "logging.Handler":
    """
    Return what shows each message of a log as one printable line on standard error.

    Packages that talk to servers put those servers' words into their messages.
    """
    import logging  # noqa: PLC0415  most commands log nothing

    from weighbridge.core.errors import one_line  # noqa: PLC0415  see above

    class OneLine(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return one_line(super().format(record))

    handler = logging.StreamHandler()
    handler.setFormatter(OneLine())
    return handler


def escape_logs() -> None:
    """Have warnings that nobody handles, which Python shows as they are, shown in one line."""
    import logging  # noqa: PLC0415  see `log_handler`

    if logging.lastResort is not None:
        logging.lastResort.setFormatter(log_handler().formatter)


def colour_wanted(stream: TextIO) -> bool:
    """Tell whether *stream* is a terminal of a user who did not decline colour."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class Progress:
    """
    Shows how many bytes were read, once that takes longer than a second.

    Implements `inventory.progress.Progress`; `advance` is called from any thread.
    """

    def __init__(self, stream: TextIO, *, shown: bool) -> None:
        self._label = "reading"
        self._stream = stream
        self._shown = shown
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._bar: ProgressBar[int] | None = None
        self._total = 0
        self._done = 0
        self._begun = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def begin(self, total: int, /) -> None:
        """Say how many bytes there are in all."""
        self.restart("reading", total)

    def then(self, label: str) -> "NextStage":
        """Return a progress that shows what follows, called *label*, in the place of this one."""
        return NextStage(self, label)

    def restart(self, label: str, total: int) -> None:
        """Close what is shown, and show from now on how far *label* is."""
        with self._lock:
            self._stack.close()
            self._bar = None
            self._label, self._total, self._done = label, total, 0
            self._begun = time.monotonic()

    def advance(self, count: int, /) -> None:
        """Say that *count* more bytes were read."""
        if not self._shown:
            return
        with self._lock:
            self._done += count
            if self._bar is not None:
                self._bar.update(count)
            elif time.monotonic() - self._begun > _PATIENCE_SECONDS:
                bar: ProgressBar[int] = click.progressbar(
                    length=self._total, label=self._label, file=self._stream, width=30
                )
                self._bar = self._stack.enter_context(bar)
                self._bar.update(self._done)


class NextStage:
    """The second part of some work; implements `inventory.progress.Progress`."""

    def __init__(self, progress: Progress, label: str) -> None:
        self._progress = progress
        self._label = label

    def begin(self, total: int, /) -> None:
        """Say how many bytes there are in all; the first part is over."""
        self._progress.restart(self._label, total)

    def advance(self, count: int, /) -> None:
        """Say that *count* more bytes are done."""
        self._progress.advance(count)
