"""The policy that a command applies, and where it does."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import click

from weighbridge.cli.options import FILE, only_option
from weighbridge.pipeline.check import DEFAULT_BOUNDARY

P = ParamSpec("P")
R = TypeVar("R")


class _Boundary(click.types.StringParamType):
    """The name of a boundary; a rule for every boundary would match one without a name too."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse the empty name."""
        return value or self.fail("a name is expected, and found is ''", param, ctx)


def boundary_option(function: Callable[P, R]) -> Callable[P, R]:
    """Add `--boundary`."""
    return only_option(
        "--boundary",
        type=_Boundary(),
        default=DEFAULT_BOUNDARY,
        show_default=True,
        help="Where the policy is applied: upload, download, deploy, load, ...",
    )(function)


def policy_options(function: Callable[P, R]) -> Callable[P, R]:
    """Add `--policy`, which has to be given, and `--boundary`."""
    return only_option(
        "--policy", type=FILE, required=True, help="The policy, such as weighbridge.toml."
    )(boundary_option(function))
