"""Turn an error into what the user sees and the exit code that scripts see."""

import os
import sys
import traceback
from typing import Final

from weighbridge.cli.terminal import Session
from weighbridge.core.codes import Code
from weighbridge.core.errors import WeighbridgeError, printable
from weighbridge.record.json_operations import error_document
from weighbridge.record.json_v1 import render_json

EXIT_TOOL_ERROR: Final = 1


def report(session: Session, error: Exception) -> int:
    """
    Say what *error* means, in the format that the user asked for, and return the exit code.

    Errors of the tree know their code. Anything else is the tool's or the machine's fault; it is
    never a pass.
    """
    match error:
        case WeighbridgeError():
            return _report_known(session, error)
        case BrokenPipeError():
            # The reader of our output has gone; Python would complain once more at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_TOOL_ERROR
        case OSError():
            place = f"{printable(str(error.filename))}: " if error.filename else ""
            session.err.write(f"error: {place}{error.strerror or error} [{Code.IO_FAILED}]\n")
            return EXIT_TOOL_ERROR
        case _:
            return _report_crash(session, error)


def _report_known(session: Session, error: WeighbridgeError) -> int:
    if session.format == "text":
        session.err.write(f"error: {error}\n")
        return error.exit_code
    try:
        session.write(render_json(error_document(error)))
        session.out.flush()
    except OSError as unwritable:
        session.err.write(f"error: {error}\n")
        return report(session, unwritable)
    return error.exit_code


def _report_crash(session: Session, error: Exception) -> int:
    if os.environ.get("WEIGHBRIDGE_DEBUG"):
        traceback.print_exception(error, file=session.err)
    session.err.write(
        f"error: an unexpected {type(error).__name__}: {printable(str(error))}. "
        "Nothing was accepted. Set WEIGHBRIDGE_DEBUG=1 to see where, and please report it"
        f" [{Code.INTERNAL}]\n"
    )
    return EXIT_TOOL_ERROR
