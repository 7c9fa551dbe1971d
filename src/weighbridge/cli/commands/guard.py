"""`weighbridge guard`."""

from pathlib import Path

import click

from weighbridge.cli.options import FILE, output_options
from weighbridge.cli.policies import policy_options
from weighbridge.cli.terminal import Session
from weighbridge.core.errors import one_line
from weighbridge.pipeline.guard.command import make_order
from weighbridge.pipeline.guard.installation import (
    find_installation,
    install,
    remove,
    site_packages,
)
from weighbridge.pipeline.guard.order import Order
from weighbridge.pipeline.guard.servers import SERVERS, find_installed, install_for


@click.group("guard", short_help="Guard every Python of this environment.")
def command() -> None:
    """Guard every Python of this environment."""


@command.command("install")
@policy_options
@click.option("--audit", is_flag=True, help="Only record what would have been denied.")
@click.option("--log", type=FILE, help="Append a line of JSON for each decision to this file.")
@click.option(
    "--only",
    type=click.Choice(SERVERS),
    help="Guard this server alone, by weighbridge's plugin for it, and no other program.",
)
@output_options("text")
@click.pass_obj
def install_guard(
    session: Session,
    policy: Path,
    boundary: str,
    audit: bool,
    log: Path | None,
    only: str | None,
) -> int:
    """
    Have every Python of this environment load nothing that the policy does not allow.

    The policy is copied: install it again when it changes.
    """
    order = make_order(policy, boundary=boundary, audit=audit, log=log)
    if only is None:
        session.write(f"installed in {install(order).directory}")
    else:
        install_for(only, order, directory=site_packages())
        session.write(f"installed in {site_packages()}, for {only} only")
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
    place = site_packages()
    lines = [] if found is None else [f"installed in {place}", _mode(found.order)]
    for server in SERVERS:
        order = find_installed(server, directory=place)
        if order is not None:
            lines += [f"installed in {place}, for {server} only", _mode(order)]
    session.write("\n".join(lines) or "not installed")
    return 0 if lines else 3


def _mode(order: Order) -> str:
    return f"{'records only' if order.audit else 'enforces'} {one_line(order.path)}"
