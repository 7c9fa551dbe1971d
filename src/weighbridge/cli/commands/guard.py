"""`weighbridge guard`."""

from pathlib import Path

import click

from weighbridge.cli.options import FILE, output_options
from weighbridge.cli.terminal import Session
from weighbridge.pipeline.check import DEFAULT_BOUNDARY
from weighbridge.pipeline.guard.command import make_order
from weighbridge.pipeline.guard.installation import find_installation, install, remove


@click.group("guard", short_help="Guard every Python of this environment.")
def command() -> None:
    """Guard every Python of this environment."""


@command.command("install")
@click.option("--policy", type=FILE, required=True, help="The policy, such as weighbridge.toml.")
@click.option(
    "--boundary",
    default=DEFAULT_BOUNDARY,
    show_default=True,
    help="Where the policy is applied.",
)
@click.option("--audit", is_flag=True, help="Only record what would have been denied.")
@click.option("--log", type=FILE, help="Append a line of JSON for each decision to this file.")
@output_options("text")
@click.pass_obj
def install_guard(
    session: Session, policy: Path, boundary: str, audit: bool, log: Path | None
) -> int:
    """
    Have every Python of this environment load nothing that the policy does not allow.

    The policy is copied: install it again when it changes.
    """
    done = install(make_order(policy, boundary=boundary, audit=audit, log=log))
    session.write(f"installed in {done.directory}")
    return 0


@command.command("remove")
@output_options("text")
@click.pass_obj
def remove_guard(session: Session) -> int:
    """Remove the guard from this environment."""
    removed = remove()
    session.write(f"removed {', '.join(removed)}" if removed else "nothing was installed")
    return 0


@command.command("status")
@output_options("text")
@click.pass_obj
def show_status(session: Session) -> int:
    """
    Say whether the guard is installed in this environment, and what it enforces.

    Exit code 3 when it is not.
    """
    found = find_installation()
    if found is None:
        session.write("not installed")
        return 3
    mode = "records only" if found.order.audit else "enforces"
    session.write(f"installed in {found.directory}\n{mode} {found.order.path}")
    return 0
