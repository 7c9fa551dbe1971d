"""
Secrets among the arguments of a command, which every user of the machine can list (`ps`).

Better ways to give a secret are there, and every help text says so. Scripts that know no other
way than an argument go on working: the process starts itself anew without it, and finds it in
its environment, which only its owner can read. Until then, some hundredths of a second, it could
be seen; so there is a warning all the same.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

SECRETS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "--password": "WEIGHBRIDGE_PASSWORD",
        "--identity-token": "WEIGHBRIDGE_IDENTITY_TOKEN",
        "--client-secret": "WEIGHBRIDGE_CLIENT_SECRET",
    }
)
"""Options whose value is a secret, and the variable in which it is looked for otherwise."""

_PREFERRED: Final[Mapping[str, str]] = MappingProxyType({name: f"{name}-file" for name in SECRETS})
"""What is read before the variable: with it, the argument has to stay one to keep its place."""


_WITHOUT_SECRETS: Final = frozenset({"exec", "run"})
"""Commands that have none of these options: what is called so is the program's."""

_RECORD: Final = "record"
"""The command whose program's own options can be told from its own only where `--` is between."""


def hide_secrets() -> None:
    """
    Start this process anew without the secrets among its arguments; return if there are none.

    Only for a process that is the command itself, before anything else was done in it.
    """
    if os.name != "posix":
        return
    given = sys.argv[1:]
    arguments, secrets = without_secrets(given)
    if not secrets or sys.orig_argv[len(sys.orig_argv) - len(given) :] != given:
        return
    if "--quiet" not in arguments and "-q" not in arguments:
        names = ", ".join(sorted(SECRETS[name] for name in secrets))
        sys.stderr.write(
            f"warning: other users could see {' and '.join(sorted(secrets))} for a moment: use "
            f"a file, or ${names}\n"
        )
        sys.stderr.flush()
    command = [*sys.orig_argv[: len(sys.orig_argv) - len(given)], *arguments]
    environment = {**os.environ, **{SECRETS[name]: value for name, value in secrets.items()}}
    os.execve(sys.executable, command, environment)  # noqa: S606  this very command


def without_secrets(arguments: Sequence[str], /) -> tuple[list[str], dict[str, str]]:
    """Return *arguments* without the options of `SECRETS`, and those options' values."""
    command = arguments[0] if arguments else None
    if command in _WITHOUT_SECRETS or (command == _RECORD and "--" not in arguments):
        return list(arguments), {}
    kept: list[str] = []
    secrets: dict[str, str] = {}
    left = list(arguments)
    while left:
        argument = left.pop(0)
        if argument == "--":
            return [*kept, argument, *left], secrets
        name, equals, value = argument.partition("=")
        name = name.replace("_", "-")
        if name not in SECRETS or _is_given(_PREFERRED[name], arguments) or not (equals or left):
            kept.append(argument)
        else:
            secrets[name] = value if equals else left.pop(0)
    return kept, secrets


def _is_given(name: str, arguments: Sequence[str]) -> bool:
    return any(argument.partition("=")[0].replace("_", "-") == name for argument in arguments)
