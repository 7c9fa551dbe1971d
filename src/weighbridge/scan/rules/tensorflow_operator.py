"""Rule `tensorflow-operator`: a TensorFlow graph reads, writes, runs or connects."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Severity
from weighbridge.scan.analyzers.savedmodel import TensorFlowFacts
from weighbridge.scan.graph_operators import Condition, Effect, tensorflow_operators
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.tensorflow_graph import OperatorUse, Origin, PassedValue

_SEVERITY: Final = {
    Effect.EXECUTE: Severity.CRITICAL,
    Effect.WRITE: Severity.CRITICAL,
    Effect.READ: Severity.HIGH,
    Effect.CONNECT: Severity.HIGH,
}
_STREAMS: Final = frozenset(
    {"", "stderr", "stdout", "log(info)", "log(warning)", "log(error)", "2", "1"}
)
_WRITERS: Final = frozenset({"SaveV2", "MergeV2Checkpoints"})
_CHECKPOINT_WAYS: Final = frozenset(
    {
        *("Const", "Identity", "Pack", "Placeholder", "PlaceholderV2", "PlaceholderWithDefault"),
        *("Select", "SelectV2", "ShardedFilename", "ShardedFilespec", "StaticRegexFullMatch"),
        *("StringJoin", "_Arg"),
    }
)
"""What a saver makes a checkpoint's name with."""
_CHECKPOINT_TEXT: Final = re.compile(r"(_temp(_[0-9a-f]{32})?)?/?\.?part|model|", re.ASCII)
"""Texts that savers add to the name that they are given."""
_ASSET_WAYS: Final = frozenset(
    {
        *("Const", "Identity", "Placeholder", "PlaceholderWithDefault"),
        *("ReadVariableOp", "VarHandleOp"),
    }
)
"""How the path of an asset gets to a table: TensorFlow 2 keeps it in a variable."""
_MANY: Final = 4


class TensorFlowOperator(Rule[TensorFlowFacts]):
    """A TensorFlow graph has operators that read, write, run or connect."""

    id: ClassVar[str] = "tensorflow-operator"
    severity: ClassVar[Severity] = Severity.CRITICAL
    consumes: ClassVar[type[Facts]] = TensorFlowFacts

    def check(self, facts: TensorFlowFacts, /) -> Iterator[Match]:
        """Yield each use that does more than every model does."""
        known = tensorflow_operators()
        assets = {node for node, _ in facts.assets}
        for use in facts.uses:
            if use.op in known.effects:
                effect, what = known.effects[use.op]
                if not _is_in_memory(use):
                    yield _match(use, what, severity=_SEVERITY[effect])
            else:
                yield from _conditional(use, known.conditions[use.op], assets)
        for value in facts.passed:
            yield from _passed(value, known.conditions.get(value.use.op), assets)


def _is_in_memory(use: OperatorUse) -> bool:
    """Tell whether *use* is the cache of a data set that has no file, which is the usual one."""
    name = _input(use, 1)
    return (
        use.op.startswith("CacheDataset")
        and name.operators == {"Const"}
        and not any(text for _, text in name.constants)
    )


def _conditional(use: OperatorUse, condition: Condition, assets: set[str]) -> Iterator[Match]:
    """Judge an operator by what it is given."""
    texts = dict(use.texts)
    match condition:
        case Condition.CHECKPOINT:
            yield from _checkpoint(use)
        case Condition.ASSET:
            problem = _asset_problem(_input(use, 1), assets)
            if problem:
                yield _match(use, f"reads a vocabulary {problem}", severity=Severity.HIGH)
        case Condition.STREAM:
            if texts.get("output_stream", "") not in _STREAMS:
                yield _match(use, "prints into a file", severity=Severity.CRITICAL)
        case Condition.DESCRIPTOR:
            source = texts.get("descriptor_source", "")
            if source not in ("", "local://") and not source.startswith("bytes://"):
                yield _match(use, "reads a file of descriptions", severity=Severity.HIGH)
        case Condition.MODULE:
            if "module" in texts:
                yield _match(use, "calls Python from a compiled module", severity=Severity.CRITICAL)


def _checkpoint(use: OperatorUse) -> Iterator[Match]:
    """Judge an operator that saves or restores by the name that it is given."""
    writes = use.op in _WRITERS
    what = "writes a checkpoint" if writes else "reads a checkpoint"
    severity = Severity.CRITICAL if writes else Severity.MEDIUM
    names = range(2) if use.op == "MergeV2Checkpoints" else range(1)
    problems = [_name_problem(_input(use, index)) for index in names]
    problem = next((each for each in problems if each), "")
    if not problem and use.served:
        problem = "when a signature is called"
        severity = Severity.CRITICAL if writes else Severity.HIGH
    if problem:
        yield _match(use, f"{what} {problem}", severity=severity)


def _passed(value: PassedValue, condition: Condition | None, assets: set[str]) -> Iterator[Match]:
    """Judge what a call passes on to an operator that its input decides about."""
    problem = ""
    if condition is Condition.CHECKPOINT and value.index == 0:
        problem = _name_problem(value.origin)
        what = "writes a checkpoint" if value.use.op in _WRITERS else "reads a checkpoint"
    elif condition is Condition.ASSET and value.index == 1:
        problem = _asset_problem(value.origin, assets)
        what = "reads a vocabulary"
    else:
        return
    if problem:
        severity = Severity.CRITICAL if value.use.op in _WRITERS else Severity.HIGH
        lines = _origin_lines(value.index, value.origin)
        yield Match(
            message=f"a call has {value.use.op} do its work: it {what} {problem}",
            offset=value.offset,
            severity=severity,
            evidence=(f"called in {value.body or 'the graph'}", *lines),
        )


def _input(use: OperatorUse, index: int) -> Origin:
    """Return where an input comes from; from nowhere where there is none."""
    return use.origins[index] if index < len(use.origins) else Origin()


def _name_problem(origin: Origin) -> str:
    """Return what is wrong with the name of a checkpoint; empty where its caller gives it."""
    texts = [text for _, text in origin.constants if not _CHECKPOINT_TEXT.fullmatch(text)]
    if texts:
        return "under a name that the graph holds"
    if origin.operators - _CHECKPOINT_WAYS:
        return "under a name that the graph computes"
    if not origin.fed and not origin.arguments:
        return "under a name that nobody gives it"
    return ""


def _asset_problem(origin: Origin, assets: set[str]) -> str:
    """Return what is wrong with the file of a table; empty where it is one of the assets."""
    if any(node not in assets for node, _ in origin.constants):
        return "from a file that is no asset of the model"
    if origin.operators - _ASSET_WAYS:
        return "from a file whose name the graph computes"
    if not (origin.fed or origin.arguments or origin.constants):
        return "from a file that nobody names"
    return ""


def _match(use: OperatorUse, what: str, *, severity: Severity) -> Match:
    """Return the match for *use*, which does *what*."""
    where = f"the function {use.body}" if use.body else "the graph"
    served = ", which a signature calls" if use.served else ""
    lines = [line for i, origin in enumerate(use.origins) for line in _origin_lines(i, origin)]
    return Match(
        message=f"the operator {use.op} {what}",
        offset=use.offset,
        severity=severity,
        evidence=(
            f"node {use.node!r} in {where}{served}",
            *(f"{name} = {text!r}" for name, text in use.texts),
            *lines[:_MANY],
        ),
    )


def _origin_lines(index: int, origin: Origin) -> Iterator[str]:
    """Yield the texts that reach an input, for people to read."""
    for node, text in origin.constants[:_MANY]:
        yield f"input {index} is made of {text!r} ({node})"
