"""`weighbridge claims`."""

from pathlib import Path
from typing import Any, Final

import click

from weighbridge.cli.options import FILE, MODEL, only_option, output_options
from weighbridge.cli.render import show_appended, show_claims
from weighbridge.cli.terminal import Session
from weighbridge.core.codes import Code
from weighbridge.pipeline.claims.listing import (
    append_bundles,
    list_claims,
    merge_claims,
    require_claims,
)
from weighbridge.policy.schema import Policy

_LIST: Final = "list"
_UNDECIDED: Final = frozenset({Code.CLAIM_UNKNOWN, Code.CLAIM_UNBOUND, Code.LIMIT_EXCEEDED})
"""Gaps that say that a claim cannot be read here, and nothing against it."""


class ClaimsGroup(click.Group):
    """A group in which `list` may be left out; a model called like a subcommand is `./list`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Name the subcommand where none is named."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [_LIST, *args]
        return super().parse_args(ctx, args)


@click.group("claims", cls=ClaimsGroup, short_help="List, verify, append and merge claims.")
def command() -> None:
    """
    List, verify, append and merge the claims about a model.

    Claims are signed statements about how a model was made and what others found out about it,
    one a line in `model.claims.jsonl`, or `FILE.claims.jsonl` beside a single file. Without a
    subcommand they are listed.
    """


@command.command(_LIST)
@click.argument("reference", metavar="REF", type=MODEL)
@only_option("--policy", type=FILE, help="Hold the signatures against whom this policy trusts.")
@output_options("text", "json")
@click.pass_obj
def show(session: Session, reference: str, policy: Path | None) -> int:
    """List what is claimed about the model REF; without a policy nothing of it is verified."""
    trusted = None if policy is None else Policy.from_file(policy)
    show_claims(session, list_claims(reference, policy=trusted))
    return 0


@command.command("verify")
@click.argument("reference", metavar="REF", type=MODEL)
@only_option("--policy", type=FILE, required=True, help="Whose signatures count.")
@output_options("text", "json")
@click.pass_obj
def verify(session: Session, reference: str, policy: Path) -> int:
    """
    Verify that somebody whom the policy trusts signed every claim about the model REF.

    The model's files are read, to tell which claims are about it and which about others. Exit
    code 10 means that a claim is broken or by nobody whom the policy trusts, 11 that one is of a
    kind that is not read here, 3 that there is none. Whether the model is allowed says `check`.
    """
    with session.progress() as progress:
        listed = list_claims(
            reference, policy=Policy.from_file(policy), digested=True, progress=progress
        )
    require_claims(listed)
    show_claims(session, listed)
    codes = {gap.code for gap in listed.broken}
    return 0 if not codes else 11 if codes <= _UNDECIDED else 10


@command.command("append")
@click.argument("reference", metavar="REF", type=MODEL)
@click.argument("bundles", metavar="BUNDLE...", type=FILE, nargs=-1, required=True)
@output_options("text", "json")
@click.pass_obj
def append(session: Session, reference: str, bundles: tuple[Path, ...]) -> int:
    """
    Append the claims in the files BUNDLE to those about the model REF.

    A file has one Sigstore bundle, or one on each line. All of them are appended or none; one
    that is there already is not appended again. Nothing is verified: a claim counts as far as
    whoever reads it trusts its signer.
    """
    return _show(session, *append_bundles(reference, bundles))


@command.command("merge")
@click.argument("reference", metavar="REF", type=MODEL)
@click.argument("others", metavar="OTHER...", type=MODEL, nargs=-1, required=True)
@output_options("text", "json")
@click.pass_obj
def merge(session: Session, reference: str, others: tuple[str, ...]) -> int:
    """Append the claims about the models OTHER, or in claims files, to those about REF."""
    return _show(session, *merge_claims(reference, others))


def _show(session: Session, *appended: Any) -> int:  # noqa: ANN401  typed by the pipeline
    place, given, new = appended
    show_appended(session, place, given=given, new=new)
    return 0
