"""
The entry point: find the command, run it, turn errors into exit codes.

Commands are imported when they are called, so that `weighbridge --help` costs no more than
click itself. A command returns its exit code; errors of the tree in `core.errors` have one.
"""

import atexit
import importlib
import os
import sys
import threading
from collections.abc import Sequence
from typing import Final, NoReturn

import click

from weighbridge.cli.interrupts import EXIT_INTERRUPTED, insist
from weighbridge.cli.terminal import Session

_SWITCH_SECONDS: Final = 0.0001
_SECRETS: Final = (
    "--password",
    "--identity-token",
    "--identity_token",
    "--client-secret",
    "--client_secret",
)

COMMANDS: Final = {
    "attest": "Sign a claim about a model that is there.",
    "bom": "Write a model's bill of materials: CycloneDX or SPDX.",
    "check": "Check a model against a policy: one verdict, with its reasons.",
    "claims": "List, verify, append and merge claims.",
    "convert": "Convert checkpoints to safetensors without executing them.",
    "demo": "Watch a real model pass, and six attacks fail.",
    "digest": "Print the digests that name a model.",
    "doctor": "Show what this installation can do, and what is missing.",
    "exec": "Run a program that loads nothing the policy does not allow.",
    "explain": "Explain an error code or a rule.",
    "guard": "Guard every Python of this environment.",
    "inspect": "Show what a model is made of and what in it can execute.",
    "keygen": "Make a key pair to sign models with.",
    "lineage": "Draw what a model was made from, step by step.",
    "policy": "Begin, show, test and explain policies.",
    "pull": "Copy a model's verified bytes into a directory, whole or not.",
    "record": "Run a step of a build, and sign how its output was made.",
    "run": "Run a program that sees the verified model and nothing else.",
    "scan": "Find what loading a model would execute.",
    "sign": "Sign a model.",
    "trust": "Show and refresh the trusted root of keyless signatures.",
    "unpickle": "Show what a pickle holds, opened behind walls.",
    "verify": "Verify a model's signature against an expected signer.",
}
"""Every command with its line of help; a test holds them equal to the commands' own."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command *cmd_name*."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"weighbridge.cli.commands.{cmd_name}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; say which one may be meant where there is none."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            # Imported here: few commands are misspelled.
            from difflib import get_close_matches  # noqa: PLC0415  see above

            close = get_close_matches(args[0], COMMANDS, n=1)
            if not close:
                raise
            message = f"{error.message} Did you mean '{close[0]}'?"
            raise click.UsageError(message, ctx=error.ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


def _dashes(name: str) -> str:
    """Let every flag be written with `_` as well, as the reference's scripts do."""
    return name.replace("_", "-")


@click.command(
    cls=LazyGroup,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "token_normalize_func": _dashes,
    },
)
@click.version_option(package_name="weighbridge", prog_name="weighbridge")
def cli() -> None:
    """
    Check model weights before they go on the road.

    Exit codes: 0 allowed, verified or clean; 1 tool or environment error; 2 wrong usage;
    3 nothing to check; 10 denied, not verified or findings at the bar; 11 indeterminate;
    130 interrupted.
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; never raises."""
    session = Session()
    try:
        code = cli.main(
            args=_arguments(arguments),
            prog_name="weighbridge",
            standalone_mode=False,
            obj=session,
        )
        session.flush()
    except click.ClickException as error:
        from weighbridge.cli.failures import report_call  # noqa: PLC0415  see below

        return report_call(session, error, arguments=_arguments(arguments))
    except (click.Abort, KeyboardInterrupt):
        session.talk("interrupted; nothing is left half-written")
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001  the process boundary: a crash is never a pass
        # Imported here: a run without errors, such as --help, does without the whole tree.
        from weighbridge.cli.failures import report  # noqa: PLC0415

        return report(session, error)
    return code if isinstance(code, int) else 0


def _arguments(given: Sequence[str] | None) -> list[str]:
    return list(sys.argv[1:] if given is None else given)


def main() -> NoReturn:
    """Run the command line and leave the process."""
    if any(argument.startswith(_SECRETS) for argument in sys.argv):
        # Imported here: few calls have a secret among their arguments.
        from weighbridge.cli.hiding import hide_secrets  # noqa: PLC0415  see above

        hide_secrets()
    sys.unraisablehook = insist
    # Threads that hash need the interpreter for a moment after each block, and should not wait
    # for five milliseconds while this one imports.
    sys.setswitchinterval(_SWITCH_SECONDS)
    _leave(run())


def _leave(code: int) -> NoReturn:
    """
    Leave the process with *code*, and let the system take back its memory.

    The interpreter would take every module apart first, a tenth of the time that a signature of
    a small model takes. What was registered to be done at exit is done.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):  # closed, or nobody reads: as Python reports it
        sys.exit(code)
    if threading.active_count() > 1:
        sys.exit(code)
    atexit._run_exitfuncs()  # noqa: SLF001  the one way to do them without the rest
    os._exit(code)
