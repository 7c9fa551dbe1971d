"""
Isolated loads: what a rule lets a pickle ask for, and the file of an admitted artifact opened so.

::

    rule --plan_isolated--> IsolatedPlan
    VerifiedArtifact + plan --open_admitted--> plain values
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.errors import UsageError
from weighbridge.core.limits.units import MIB
from weighbridge.core.values import frozen
from weighbridge.load.artifact import VerifiedArtifact
from weighbridge.load.isolated.opening import FORMATS
from weighbridge.load.isolated.parent import Opened, Opening, open_isolated
from weighbridge.load.isolated.reading import Build
from weighbridge.load.judged import COMPRESSED, PICKLES
from weighbridge.load.objects import Chosen, choose_file
from weighbridge.pipeline.policies import select_for
from weighbridge.policy.rule import IsolationControl, Unpickle
from weighbridge.policy.schema import Policy
from weighbridge.sandbox.walls.interface import Limits
from weighbridge.sources.local import locate

_KINDS: Final[Mapping[str | None, frozenset[FileFormat]]] = MappingProxyType(
    {
        None: FORMATS,
        "joblib": PICKLES | COMPRESSED,
        "pickle": frozenset({FileFormat.PICKLE}),
    }
)
"""Formats of the file that is meant, by what the caller says that it is."""


@frozen
class IsolatedPlan:
    """
    How a file is going to be opened.

    Attributes:
        kind: What the caller says that it is; None for whatever has a pickle in it.
        how: What it is opened by.
    """

    kind: str | None
    how: Opening


@frozen
class OpenedFile:
    """
    A file that was opened.

    Attributes:
        path: Of the file in the artifact.
        where: What people call it.
        format: As told from its bytes.
        opened: What came back.
    """

    path: str
    where: str
    format: FileFormat
    opened: Opened


def plan_isolated(
    reference: str | Path,
    policy: Policy,
    /,
    *,
    boundary: str,
    kind: str | None = None,
    engine: str | None = None,
) -> IsolatedPlan:
    """
    Return how a file of *reference* is opened by the rule that decides about it.

    Raises:
        UsageError: Of that kind no plain values can come back.
    """
    if kind not in _KINDS:
        raise UsageError(
            "of such an object no plain values come back",
            expected="as_='pickle' or as_='joblib', or none of it",
            found=f"isolated=True with as_={kind!r}",
            hint="Leave out isolated to be given the object, or leave out as_ to be given its "
            "arrays and plain values",
        )
    handle = locate(reference)
    rule = select_for(handle.reference, policy, boundary=boundary).rule
    control = None if rule is None else rule.isolation
    return IsolatedPlan(kind=kind, how=_opening(control, engine=engine, hidden=(str(handle.root),)))


def open_admitted(
    artifact: VerifiedArtifact, plan: IsolatedPlan, /, *, file: str | None, build: Build
) -> OpenedFile:
    """
    Return what the file *file* of *artifact* holds; see `load.isolated.parent.open_isolated`.

    Raises:
        UsageError: There is no such file, or there are several and none is named.
        OperationError: No file has a pickle in it.
        WeighbridgeError: As `open_isolated`.
    """
    assert artifact.verdict.artifact is not None
    chosen = choose_file(
        "a pickle" if plan.kind is None else plan.kind,
        _KINDS[plan.kind],
        artifact.held,
        file=file,
        name=artifact.verdict.artifact.name,
    )
    file_format = _format(chosen, _KINDS[plan.kind])
    opened = open_isolated(
        chosen.held, file_format, plan.how, name=chosen.name, where=chosen.where, build=build
    )
    return OpenedFile(path=chosen.path, where=chosen.where, format=file_format, opened=opened)


def _format(chosen: Chosen, wanted: frozenset[FileFormat]) -> FileFormat:
    """Return the format by which the file was chosen."""
    return chosen.format if chosen.format in wanted else min(chosen.formats & wanted)


def _opening(
    control: IsolationControl | None, *, engine: str | None, hidden: tuple[str, ...]
) -> Opening:
    if control is None:
        return Opening(engine=engine, hidden=hidden)
    said = control.limits
    return Opening(
        judged=control.unpickle is not Unpickle.ANYTHING,
        engine=engine,
        admitted=control.engines,
        limits=Limits(
            memory_bytes=None if said.memory_mib is None else said.memory_mib * MIB,
            processes=said.processes,
            cpu_seconds=said.cpu_seconds,
            seconds=said.seconds,
            open_files=said.open_files,
            together=said.together or None,
        ),
        hidden=hidden,
    )
