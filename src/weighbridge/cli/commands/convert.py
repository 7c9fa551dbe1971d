"""`weighbridge convert`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli.interrupts import heed_termination
from weighbridge.cli.options import MODEL, output_options, selection_options
from weighbridge.cli.render import show_converted
from weighbridge.cli.signers import Signing, signer_from, signer_options
from weighbridge.cli.terminal import Session
from weighbridge.convert.plan import SharedTensors
from weighbridge.core.build_types import BUILDER_ID
from weighbridge.core.errors import UsageError
from weighbridge.pipeline.conversion.convert import Conversion, convert
from weighbridge.pipeline.selection import FileSelection

if TYPE_CHECKING:
    from weighbridge.pipeline.conversion.claim import Claiming
    from weighbridge.signing.interface import Signer


@click.command("convert", short_help="Convert checkpoints to safetensors without executing them.")
@click.argument("source", metavar="SRC", type=MODEL)
@click.argument("destination", metavar="DST", type=MODEL)
@click.option(
    "--to", type=click.Choice(["safetensors"]), required=True, help="The format to convert to."
)
@click.option("--key", help="Take what each checkpoint has under this key, such as 'state_dict'.")
@click.option("--tensors-only", is_flag=True, help="Leave out what is no tensor.")
@click.option(
    "--shared-tensors",
    type=click.Choice([each.value for each in SharedTensors]),
    default=SharedTensors.COPY.value,
    show_default=True,
    help="Tensors that are the same under several names: write each, or the first.",
)
@click.option("--builder", help=f"URI of the builder, for the claim.  [default: {BUILDER_ID}]")
@click.option(
    "--name", help="What the claim calls SRC, for the rules of policies.  [default: its base name]"
)
@selection_options
@signer_options
@output_options("text", "json")
@click.pass_obj
def command(
    session: Session,
    /,
    *,
    source: str,
    destination: str,
    signing: Signing,
    builder: str | None,
    name: str | None,
    **what: Any,  # noqa: ANN401  handed on to _conversion, which types them
) -> int:
    """
    Write the tensors of SRC as safetensors to DST.

    SRC is a checkpoint that `torch.save` has written, or the directory of a model with at least
    one. DST is a directory that is not there yet, or is empty; for one checkpoint it may be a file
    called *.safetensors. Nothing of SRC is executed. What cannot be carried is refused, all of it
    by name, and DST is there whole or not at all.

    With a signer, the claims of DST say that it was made from SRC, and carry on what is claimed
    of SRC.
    """
    heed_termination()
    claiming = _claiming(signer_from(session, signing), builder=builder, name=name)
    with session.progress() as progress:
        result = convert(
            source,
            destination,
            how=_conversion(**what),
            claiming=claiming,
            progress=progress,
            written=progress.then("writing"),
        )
    show_converted(session, result)
    if claiming is None:
        session.talk("no claim was written, since no signer was given: see --private-key")
    return 0


def _claiming(
    signer: "Signer | None", *, builder: str | None, name: str | None
) -> "Claiming | None":
    if signer is not None:
        # Statements take a while to import, and most conversions need none.
        from weighbridge.pipeline.conversion.claim import Claiming  # noqa: PLC0415

        return Claiming(signer=signer, builder=builder or BUILDER_ID, name=name)
    if builder is not None or name is not None:
        raise UsageError(
            "a claim is described, and nobody signs it",
            expected="a signer, such as --private-key",
            found="--builder" if builder is not None else "--name",
        )
    return None


def _conversion(
    *,
    to: str,
    key: str | None,
    tensors_only: bool,
    shared_tensors: str,
    ignore_paths: tuple[Path, ...],
    ignore_git_paths: bool,
    allow_symlinks: bool,
) -> Conversion:
    del to  # there is one
    return Conversion(
        selection=FileSelection(
            ignore_paths=ignore_paths,
            ignore_git_paths=ignore_git_paths,
            allow_symlinks=allow_symlinks,
        ),
        key=key,
        tensors_only=tensors_only,
        shared=SharedTensors(shared_tensors),
    )
