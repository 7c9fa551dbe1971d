"""The policy that a command applies, and where it does."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import click

from weighbridge.cli.options import FILE
from weighbridge.pipeline.check import DEFAULT_BOUNDARY

P = ParamSpec("P")
R = TypeVar("R")


def boundary_option(function: Callable[P, R]) -> Callable[P, R]:
    """Add `--boundary`."""
    return click.option(
        "--boundary",
        default=DEFAULT_BOUNDARY,
        show_default=True,
        help="Where the policy is applied: upload, download, deploy, load, ...",
    )(function)


def policy_options(function: Callable[P, R]) -> Callable[P, R]:
    """Add `--policy`, which has to be given, and `--boundary`."""
    return click.option(
        "--policy", type=FILE, required=True, help="The policy, such as weighbridge.toml."
    )(boundary_option(function))
