"""`weighbridge run`."""

import sys
from pathlib import Path

import click

from weighbridge.cli.options import MODEL
from weighbridge.cli.policies import policy_options
from weighbridge.cli.terminal import Session
from weighbridge.pipeline.again.facts import call_key
from weighbridge.pipeline.running import Noting, run
from weighbridge.policy.schema import Policy
from weighbridge.sandbox.walls.interface import Strength


@click.command(
    "run",
    short_help="Run a program that sees the verified model and nothing else.",
)
@click.argument("reference", metavar="REF", type=MODEL)
@policy_options
@click.option(
    "--engine",
    type=click.Choice(["bubblewrap", "direct", "gvisor"]),
    help="What isolates.  [default: the strongest that works here]",
)
@click.argument(
    "arguments", metavar="-- COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED
)
@click.pass_obj
def command(
    session: Session,
    reference: str,
    policy: Path,
    boundary: str,
    engine: str | None,
    arguments: tuple[str, ...],
) -> int:
    """
    Check the model REF, then run COMMAND behind walls.

    COMMAND sees the verified files read only at the model's own path, programs and libraries of
    the system, its own temporary directory, and what the rule's `isolation` lists. It reaches
    nobody by the network but whom that lists. `{model}` in an argument stands for the model's
    path. The exit code is the command's; 124 if its time was over.
    """
    outcome = run(
        reference,
        arguments,
        policy=Policy.from_file(policy),
        boundary=boundary,
        engine=engine,
        started=lambda found: session.talk(_kept_to(found)),
        noted=_noting(),
    )
    for complaint in outcome.complaints:
        session.talk(complaint)
    return outcome.exit_code


def _noting() -> Noting | None:
    """Return how the run is noted where this process was started for nothing else."""
    if sys.argv[1:2] != ["run"]:
        return None
    return Noting(name=call_key(sys.argv[2:]), said=_kept_to)


def _kept_to(strength: Strength) -> str:
    """Return what the program is kept to: by which engine, for what each limit holds, and GPUs."""
    said = [f"isolated by {strength.engine}"]
    said += [f"{limit} for {whom}" for limit, whom in strength.limits]
    if strength.gpus is not None:
        shown = (
            f"are shown, what is asked of their drivers is not filtered: {' '.join(strength.gpus)}"
        )
        said.append(f"GPUs {shown if strength.gpus else 'may be used, and there is none'}")
    return "; ".join(said)
