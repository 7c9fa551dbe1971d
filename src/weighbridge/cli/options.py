"""Options that several commands share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import click

from weighbridge.cli.terminal import Session

P = ParamSpec("P")
R = TypeVar("R")


class _Named(click.Path):
    """A path with a name; whether it is there and may be read is for whoever opens it to say."""

    def __init__(self) -> None:
        # Looking here would be one look more, and by another user's rights.
        super().__init__(path_type=Path, readable=False)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Refuse the empty name, which stands for the current directory elsewhere."""
        if os.fspath(value) == "":
            self.fail("a path is expected, and found is ''", param, ctx)
        return super().convert(value, param, ctx)


MODEL: Final = click.Path(path_type=str, readable=False)
"""A reference; whether something is there is the source's to say, with its own code."""

FILE: Final = _Named()


def only_option(
    *names: str,
    default: object = None,
    **settings: Any,  # noqa: ANN401  handed on to click, which types them
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """
    Add an option of which there can be one alone; `click.option` lets the last of several win.

    For what decides whether something passes: whoever gives two of them, one perhaps in a
    script that others complete, would be judged by one and think of the other.
    """
    return click.option(
        *names,
        multiple=True,
        default=None if default is None else (default,),
        callback=_the_only,
        **settings,
    )


def _the_only(
    ctx: click.Context, parameter: click.Parameter, values: tuple[object, ...]
) -> object | None:
    if len(values) > 1:
        raise click.BadParameter(
            f"it can be given once, and found are {', '.join(map(repr, map(str, values)))}",
            ctx,
            parameter,
        )
    return values[0] if values else None


def _remember_format(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    del parameter
    session = ctx.find_object(Session)
    if session is not None:
        session.format = value
    return value


def _remember_quiet(ctx: click.Context, parameter: click.Parameter, value: bool) -> bool:
    del parameter
    session = ctx.find_object(Session)
    if session is not None:
        session.quiet = value
    return value


def output_options(*formats: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Add `--format`, which is one of *formats*, and `--quiet`; both are kept in the session."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        quiet = click.option(
            "--quiet",
            "-q",
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_remember_quiet,
            help="Results only: no talk and no progress on standard error.",
        )
        chosen = click.option(
            "--format",
            type=click.Choice(formats),
            default=formats[0],
            show_default=True,
            is_eager=True,
            expose_value=False,
            callback=_remember_format,
            help="How to print the result.",
        )
        return chosen(quiet(function))

    return decorate


def selection_options(function: Callable[P, R]) -> Callable[P, R]:
    """Add the options that make a `FileSelection`."""
    options: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
        click.option(
            "--ignore-paths",
            type=FILE,
            multiple=True,
            help="Leave out this file or directory; may be repeated.",
        ),
        click.option(
            "--ignore-git-paths/--no-ignore-git-paths",
            default=True,
            show_default=True,
            help="Leave out .git, .github, .gitattributes and .gitignore.",
        ),
        click.option(
            "--allow-symlinks/--no-allow-symlinks",
            default=False,
            show_default=True,
            help="Let a symbolic link to a file count as that file.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def signature_option(function: Callable[P, R]) -> Callable[P, R]:
    """Add `--signature`."""
    return click.option(
        "--signature",
        type=FILE,
        help="The signature file.  [default: model.sig in the directory, FILE.sig beside a file]",
    )(function)
