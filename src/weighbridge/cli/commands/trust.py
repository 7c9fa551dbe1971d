"""`weighbridge trust`."""

# ruff: noqa: PLC0415  the sigstore package is slow to import, and `--help` does without

from pathlib import Path

import click

from weighbridge.cli.options import FILE, output_options
from weighbridge.cli.render import show_refresh, show_root
from weighbridge.cli.sigstore import instance_options
from weighbridge.cli.terminal import Session, escape_logs
from weighbridge.core.errors import UsageError


@click.group(short_help="Show and refresh the trusted root of keyless signatures.")
def command() -> None:
    """
    Show and refresh the trusted root of keyless signatures.

    The root says which authorities and logs are believed. It comes with the installed package;
    `trust update` fetches the current one, and nothing else ever does.
    """


@command.command("show")
@instance_options
@output_options("text", "json")
@click.pass_obj
def show(session: Session, use_staging: bool, trust_config: Path | None) -> int:
    """Show whom the trusted root names, and its digest."""
    from weighbridge.cli.sigstore import chosen_root

    show_root(session, chosen_root(use_staging=use_staging, trust_config=trust_config))
    return 0


@command.command("update")
@click.option("--use-staging", is_flag=True, help="Sigstore's staging instance, for tests.")
@click.option("--tuf-url", help="Repository of a private instance; needs --tuf-root.")
@click.option("--tuf-root", type=FILE, help="The repository's root.json, from its owner.")
@click.option("--output", type=FILE, help="Write a client trust configuration to this file only.")
@output_options("text", "json")
@click.pass_obj
def update(
    session: Session,
    use_staging: bool,
    tuf_url: str | None,
    tuf_root: Path | None,
    output: Path | None,
) -> int:
    """Fetch the current trusted root, verify it, and say what changed."""
    from weighbridge.pipeline.trusted_roots import Repository, update_root
    from weighbridge.signing.sigstore.trust import Instance

    escape_logs()
    if (tuf_url is None) != (tuf_root is None) or (use_staging and tuf_url is not None):
        raise UsageError(
            "the repository cannot be told",
            expected="--tuf-url with --tuf-root, or --use-staging, or none of them",
        )
    repository = None
    if tuf_url is not None and tuf_root is not None:
        repository = Repository(url=tuf_url, keys=tuf_root)
    refresh = update_root(
        instance=Instance.STAGING if use_staging else Instance.PUBLIC,
        repository=repository,
        output=output,
    )
    show_refresh(session, refresh)
    return 0
