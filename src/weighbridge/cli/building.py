"""Options that say how something was built, for the commands that write provenance."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from weighbridge.core.build_types import BUILDER_ID
from weighbridge.core.errors import UsageError
from weighbridge.core.values import frozen

if TYPE_CHECKING:
    from weighbridge.pipeline.recording.given import Given

_Decorated = Callable[..., Any]
_NAMES = ("inputs", "source", "builder", "params", "name", "allow_symlinks")


@frozen
class BuildFlags:
    """The options, as the user gave them."""

    inputs: tuple[str, ...]
    source: str | None
    builder: str
    params: tuple[str, ...]
    name: str | None
    allow_symlinks: bool

    def given(self) -> "Given":
        """
        Return what they mean.

        Raises:
            UsageError: An input or a parameter cannot be read.
        """
        from weighbridge.pipeline.recording.given import Given  # noqa: PLC0415  not for --help
        from weighbridge.pipeline.recording.inputs import parse_input  # noqa: PLC0415  see above

        return Given(
            name=self.name,
            inputs=tuple(map(parse_input, self.inputs)),
            source=self.source,
            builder=self.builder,
            parameters=tuple(map(_parameter, self.params)),
            allow_symlinks=self.allow_symlinks,
        )


def build_options(function: _Decorated) -> _Decorated:
    """Add the options; the command gets them as one argument, `build`."""

    @functools.wraps(function)
    def gathered(*arguments: Any, **what: Any) -> Any:  # noqa: ANN401  a command's own
        flags = BuildFlags(**{name: what.pop(name) for name in _NAMES})
        return function(*arguments, build=flags, **what)

    options: tuple[Callable[[_Decorated], _Decorated], ...] = (
        click.option(
            "--input",
            "inputs",
            metavar="[NAME=]REF",
            multiple=True,
            help="A model or data set that it is made from; may be repeated.",
        ),
        click.option("--source", metavar="git+URL[@REF]", help="The source that it is made with."),
        click.option(
            "--builder", default=BUILDER_ID, show_default=True, help="URI of the builder."
        ),
        click.option(
            "--param",
            "params",
            metavar="NAME=VALUE",
            multiple=True,
            help="A parameter, for the record; may be repeated.",
        ),
        click.option("--name", help="What to call the output.  [default: its base name]"),
        click.option(
            "--allow-symlinks", is_flag=True, help="Let a link to a file count as that file."
        ),
    )
    decorated: _Decorated = gathered
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise UsageError("a parameter is given as NAME=VALUE", where=text)
    return name, value
