"""
Unpickle: check, open one file behind walls, and show or write what it holds.

::

    reference --admit--> verified bytes --isolated--> plain values --> a tree, JSON, safetensors
"""

import os
from pathlib import Path

from weighbridge.core.artifact import FileFormat
from weighbridge.core.errors import UsageError
from weighbridge.core.outline import Outline
from weighbridge.core.values import frozen
from weighbridge.inventory.progress import Progress
from weighbridge.load.isolated.reading import AsStored
from weighbridge.pipeline.check import DEFAULT_BOUNDARY
from weighbridge.pipeline.isolated import open_admitted, plan_isolated
from weighbridge.pipeline.load import admit
from weighbridge.pipeline.output import lies_in
from weighbridge.pipeline.unpickling.document import Documents
from weighbridge.pipeline.unpickling.names import name_arrays
from weighbridge.pipeline.unpickling.outline import outline
from weighbridge.pipeline.unpickling.writing import destination, write
from weighbridge.policy.schema import Policy


@frozen
class Unpickled:
    """
    What a file holds.

    Attributes:
        file: Its path in the artifact.
        format: As told from its bytes.
        judged: Whether only what the allow-list lists was given to it.
        engine: What isolated the process that opened it.
        arrays: How many arrays it holds.
        outline: What it holds, for people.
        document: What it holds, as JSON.
        written: Paths of the files that were written.
    """

    file: str
    format: FileFormat
    judged: bool
    engine: str
    arrays: int
    outline: Outline
    document: object
    written: tuple[str, ...] = ()


def unpickle(
    reference: str | Path,
    /,
    *,
    policy: Policy,
    boundary: str = DEFAULT_BOUNDARY,
    file: str | None = None,
    output: str | None = None,
    engine: str | None = None,
    progress: Progress | None = None,
) -> Unpickled:
    """
    Return what the pickle of *reference* holds, if *policy* allows it at *boundary*.

    Nothing of it is built here: neither objects nor, without *output*, arrays.

    Args:
        reference: The model.
        policy: What has to hold; its rule's `isolation` says what the pickle may ask for.
        boundary: Where it is applied.
        file: The file; None is the only one with a pickle in it.
        output: Where to write arrays and plain values: a directory that is not there yet, or a
            file `*.safetensors` for the arrays alone.
        engine: Which engine isolates; by default the strongest that works here.
        progress: Told what is read.

    Raises:
        PolicyDeniedError, PolicyIndeterminateError: As for `load`; nothing was opened.
        WeighbridgeError: As for `load.isolated.parent.open_isolated`.
        UsageError: The destination lies in the model.
        OperationError: Something is at the destination, or it cannot be written.
    """
    place = None if output is None else destination(output)
    if place is not None and lies_in(place.path, reference):
        raise UsageError(
            "the destination lies in the model itself",
            where=os.fspath(place.path),
            expected="a place outside of it",
        )
    plan = plan_isolated(reference, policy, boundary=boundary, engine=engine)
    with admit(
        reference, policy=policy, boundary=boundary, progress=progress, sealed=True, isolated=True
    ) as artifact:
        found = open_admitted(artifact, plan, file=file, build=AsStored())
    value = found.opened.value
    arrays = name_arrays(value)
    names = {id(stored): name for name, stored in arrays.items()} if place is not None else {}
    document = Documents(names).document(value)
    written: tuple[str, ...] = ()
    if place is not None:
        below = place.path.parent if place.single else place.path
        files = write(place, arrays, document, where=found.where)
        written = tuple(str(below / name) for name in files)
    return Unpickled(
        file=found.path,
        format=found.format,
        judged=plan.how.judged,
        engine=found.opened.strength.engine,
        arrays=len(arrays),
        outline=outline(value, label=found.where),
        document=document,
        written=written,
    )
