"""The lists of operators hold nothing that reaches out of a graph."""

import re

import pytest

from weighbridge.scan.graph_operators import onnx_operators, tensorflow_operators

SUSPICIOUS = re.compile(
    r"File|Py(Func|thon)|Rpc|Remote|Record|Text(Line)?|Sql|LMDB|Csv|CSV|Snapshot|Save|Restore"
    r"|Checkpoint|Summary|Write|Read|Debug|Dump|Load|Connect|Server|Client|Http|Url|Path|Exec"
    r"|Callback|Host|Distributed|Custom|Library|Plugin|Kafka|Recv|Send|Abort|Print|Cache"
)
REVIEWED = {
    # They give a summary as a tensor; writing one is an operator of its own.
    *("AudioSummary", "AudioSummaryV2", "BoostedTreesMakeStatsSummary", "HistogramSummary"),
    *("ImageSummary", "MergeSummary", "ScalarSummary", "TensorSummary", "TensorSummaryV2"),
    *("BoostedTreesExampleDebugOutputs", "DebugNumericSummaryV2"),
    # Variables, arrays and queues in memory.
    *("ReadVariableOp", "ReadVariableXlaSplitND", "_ReadVariablesOp", "RngReadAndSkip"),
    *("TensorArrayRead", "TensorArrayReadV2", "TensorArrayReadV3", "BarrierReadySize"),
    *("TensorArrayWrite", "TensorArrayWriteV2", "TensorArrayWriteV3", "AnonymousMemoryCache"),
    *("DeleteMemoryCache", "DummyMemoryCache", "DisableCopyOnRead"),
    # Names alone, without touching what they name; a format of text in memory.
    *("ShardedFilename", "ShardedFilespec", "DecodeCSV"),
    # A copy of a tensor.
    *("Snapshot", "CopyHost", "HostConst", "_HostCast", "DebugGradientIdentity"),
    *("DebugGradientRefIdentity", "_CopyFromGpuToHost", "_CopyFromHostToGpu"),
    # Training with statistics kept in memory; numbers of readers without files.
    *("CustomAggregator", "ReaderNumRecordsProduced", "ReaderNumWorkUnitsCompleted"),
    *("ReaderReset", "ReaderRestoreState", "ReaderSerializeState"),
    # To standard error.
    "Print",
}
COMBINER = "MatmulCustomCombiner"
"""Part of the names of operators that multiply in a function of the library."""


def test_no_class_overlaps() -> None:
    """An operator is allowed, conditional or of known effect, and never two of these."""
    table = tensorflow_operators()
    allowed = table.allowed
    assert not allowed & set(table.effects)
    assert not allowed & set(table.conditions)
    assert not set(table.effects) & set(table.conditions)
    onnx = onnx_operators()
    assert not [
        (domain, name) for domain, name in onnx.effects if name in onnx.allowed.get(domain, ())
    ]


def test_allowed_names_do_not_sound_like_input_and_output() -> None:
    """No allowed operator has a name that speaks of files or machines but for reviewed ones."""
    found = {name for name in tensorflow_operators().allowed if SUSPICIOUS.search(name)}
    assert {name for name in found if COMBINER not in name} == REVIEWED


def test_onnx_names() -> None:
    """The same holds for ONNX."""
    names = {name for group in onnx_operators().allowed.values() for name in group}
    padding, copies = {"RestorePadding"}, {"MemcpyFromHost", "MemcpyToHost"}
    mixing = {n for n in names if n.startswith("HyperConnection")}
    assert {n for n in names if SUSPICIOUS.search(n)} == padding | copies | mixing


@pytest.mark.parametrize("name", ["ReadFile", "WriteFile", "PyFunc", "SaveV2", "RemoteCall", "Foo"])
def test_never_allowed(name: str) -> None:
    """What reads, writes, runs or connects, or is not known, is not allowed."""
    assert name not in tensorflow_operators().allowed


@pytest.mark.parametrize("name", ["MatMul", "Conv2D", "StatefulPartitionedCall", "VarHandleOp"])
def test_allowed(name: str) -> None:
    """What every model has is allowed."""
    assert name in tensorflow_operators().allowed
