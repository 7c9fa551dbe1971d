"""Passwords of private keys and PINs of tokens: from a file, the environment or a prompt."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from weighbridge.cli.options import FILE
from weighbridge.cli.terminal import Session
from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError
from weighbridge.core.limits.signing import MAX_KEY_FILE_BYTES
from weighbridge.sources.reading import read_named

K = TypeVar("K")

ENVIRONMENT_NAME: Final = "WEIGHBRIDGE_PASSWORD"
PIN_NAME: Final = "WEIGHBRIDGE_PIN"


def password_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--password` and `--password-file`."""
    options: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
        click.option(
            "--password",
            help="The key's password. Other users of the machine can see it: prefer a file.",
        ),
        click.option(
            "--password-file",
            type=FILE,
            help=f"File with the key's password. Else ${ENVIRONMENT_NAME}, or a prompt.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def given_password(session: Session, argument: str | None, file: Path | None) -> bytes | None:
    """Return the password that the user gave, in whichever way; None without one."""
    if argument is not None:
        session.talk("warning: other users can see a password on the command line")
        return _bytes(argument)
    if file is not None:
        data = read_named(file, limit=MAX_KEY_FILE_BYTES, what="password file")
        return data.removesuffix(b"\n").removesuffix(b"\r")
    environment = os.environ.get(ENVIRONMENT_NAME)
    return _bytes(environment) if environment is not None else None


def _bytes(text: str) -> bytes:
    """Return an argument or a variable as it was given, also where that is no text."""
    return text.encode(errors="surrogateescape")


def pin_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--pin-file`; a PIN itself is never an argument."""
    return click.option(
        "--pin-file",
        type=FILE,
        help=f"File with the token's PIN. Else the URI's pin-source, ${PIN_NAME}, or a prompt.",
    )(function)


def given_pin(file: Path | None, source: Path | None) -> bytes:
    """
    Return the token's PIN: from *file*, the URI's *source*, the environment or a prompt.

    Raises:
        KeyRejectedError: There is none, and no terminal to ask at.
    """
    chosen = file or source
    if chosen is not None:
        data = read_named(chosen, limit=MAX_KEY_FILE_BYTES, what="PIN file")
        return data.removesuffix(b"\n").removesuffix(b"\r")
    environment = os.environ.get(PIN_NAME)
    if environment is not None:
        return _bytes(environment)
    if sys.stdin is None or not sys.stdin.isatty():
        raise KeyRejectedError(
            "the token needs a PIN",
            code=Code.PASSWORD,
            hint=f"Use --pin-file, pin-source= in the URI, or ${PIN_NAME}",
        )
    answer: str = click.prompt("PIN of the token", hide_input=True, err=True)
    return answer.encode()


def unlock(make: Callable[[bytes | None], K], password: bytes | None) -> K:
    """
    Return what *make* makes of the password; ask for one on a terminal where it needs one.

    Raises:
        KeyRejectedError: The password is missing or wrong.
    """
    try:
        return make(password)
    except KeyRejectedError as error:
        terminal = sys.stdin is not None and sys.stdin.isatty()
        if error.code is not Code.PASSWORD or password is not None or not terminal:
            raise
    answer: str = click.prompt("Password of the private key", hide_input=True, err=True)
    return make(answer.encode())
