"""Turn an error into what the user sees and the exit code that scripts see."""

import os
import sys
import traceback
from collections.abc import Sequence
from itertools import pairwise, takewhile
from typing import Final

import click

from weighbridge.cli.terminal import Session
from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError, UsageError, WeighbridgeError
from weighbridge.record.json_operations import error_document
from weighbridge.record.json_v1 import render_json

EXIT_TOOL_ERROR: Final = 1

_DOCUMENTS: Final = frozenset({"json", "sarif", "cyclonedx", "spdx"})
"""The formats that are JSON; whoever asked for another one cannot read an error in it."""


_HELP: Final[type[click.ClickException] | tuple[()]] = getattr(
    click.exceptions, "NoArgsIsHelpError", ()
)
"""What a group without a command says, since click 8.2; before, it printed the same."""


def report(session: Session, error: Exception) -> int:
    """
    Say what *error* means, in the format that the user asked for, and return the exit code.

    Errors of the tree know their code. Anything else is the tool's or the machine's fault; it is
    never a pass.
    """
    match error:
        case WeighbridgeError():
            return _tell(session, error)
        case BrokenPipeError():
            # The reader of our output has gone; Python would complain once more at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_TOOL_ERROR
        case OSError():
            return _tell(session, _failed(error))
        case _:
            if os.environ.get("WEIGHBRIDGE_DEBUG"):
                traceback.print_exception(error, file=session.err)
            return _tell(session, _crash(error))


def report_call(session: Session, error: click.ClickException, *, arguments: Sequence[str]) -> int:
    """Say what is wrong with the call *arguments*, and return the exit code."""
    if isinstance(error, _HELP):
        error.show()
        return error.exit_code
    context = error.ctx if isinstance(error, click.UsageError) else None
    name = "weighbridge" if context is None else context.command_path
    wrong = UsageError(
        error.format_message().rstrip("."), hint=f"`{name} --help` shows what it takes"
    )
    # Where an option is not known, none was looked at.
    session.format = _asked_for(arguments) or session.format
    if session.format not in _DOCUMENTS and context is not None:
        session.complain(context.get_usage())
    return _tell(session, wrong)


def _asked_for(arguments: Sequence[str]) -> str | None:
    """Return the last format that is named before the words of another program."""
    own = list(takewhile(lambda word: word != "--", arguments))
    named = [word.partition("=")[2] for word in own if word.startswith("--format=")]
    named += [word for flag, word in pairwise(own) if flag == "--format"]
    return named[-1] if named else None


def _tell(session: Session, error: WeighbridgeError) -> int:
    if session.format in _DOCUMENTS:
        try:
            session.write(render_json(error_document(error), one_line=session.one_line))
            session.flush()
        except (OSError, OperationError) as unwritable:
            session.complain(f"error: {error}")
            session.format = "text"
            return report(session, unwritable)
    else:
        session.complain(f"error: {error}")
    return error.exit_code


def _failed(error: OSError) -> OperationError:
    where = None if error.filename is None else str(error.filename)
    return OperationError(error.strerror or str(error), where=where)


def _crash(error: Exception) -> OperationError:
    return OperationError(
        f"an unexpected {type(error).__name__}: {error}",
        code=Code.INTERNAL,
        hint="Nothing was accepted. Set WEIGHBRIDGE_DEBUG=1 to see where, and please report it",
    )
