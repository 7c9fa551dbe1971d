"""
Make the lists of operators in `src/weighbridge/scan/graph_operators/`.

Every operator of TensorFlow's registry is put into one of three classes: its effect is known and
listed below, it is allowed, or neither. Operators without state are allowed unless an effect is
listed; those with state only where a pattern below says what they are. So a new release's
operators with state stay unlisted, and unlisted ones are reported.

Run this in an environment of its own with tensorflow, onnx and onnxruntime installed:
`python tools/graph_operators/make.py`. Last made with tensorflow 2.21.0,
onnx 1.23.2 and onnxruntime 1.32.0.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[2] / "src/weighbridge/scan/graph_operators"

EFFECTS: Final[dict[str, dict[str, str]]] = {
    "execute": {
        "PyFunc PyFuncStateless EagerPyFunc": "calls a Python function",
        "DatasetFromGraph DeserializeIterator": "runs a graph that is data of this one",
        "MlirPassthroughOp": "compiles and runs a program that is an attribute",
        "XlaCustomCall XlaCustomCallV2": "calls native code by its name",
        "TRTEngineOp": "runs a compiled program for a graphics card",
        "TfLiteSubgraphExecute RemoteFusedGraphExecute": "runs another program within this one",
        "Abort": "ends the process",
    },
    "write": {
        "WriteFile": "writes a file",
        "Save SaveSlices": "writes a checkpoint under a name of its own",
        "DumpTensor": "writes tensors into files",
        "SaveDataset SaveDatasetV2 DistributedSave": "writes a data set into files",
        "DatasetToTFRecord ExperimentalDatasetToTFRecord": "writes a data set into a file",
        "SnapshotDataset SnapshotDatasetV2 SnapshotChunkDataset": "writes a data set into files",
        "CacheDataset CacheDatasetV2": "can write a data set into files",
        "CreateSummaryFileWriter CreateSummaryDbWriter SummaryWriter": "writes event files",
        "WriteAudioSummary WriteGraphSummary WriteHistogramSummary WriteImageSummary": (
            "writes into an event file"
        ),
        "WriteRawProtoSummary WriteScalarSummary WriteSummary ImportEvent": (
            "writes into an event file"
        ),
        "FlushSummaryWriter CloseSummaryWriter StatsAggregatorSetSummaryWriter": (
            "writes into an event file"
        ),
        "CalibrationStatisticsSaver": "writes statistics into files",
        "FileSystemSetConfiguration": "configures a file system",
        "DebugIdentity DebugIdentityV2 DebugIdentityV3 DebugNanCount DebugNumericSummary": (
            "sends tensors to files or addresses"
        ),
    },
    "read": {
        "ReadFile": "reads a file",
        "MatchingFiles": "lists files",
        "MatchingFilesDataset ExperimentalMatchingFilesDataset": "lists files",
        "WholeFileReader WholeFileReaderV2": "reads files",
        "TextLineReader TextLineReaderV2 TextLineDataset": "reads lines of files",
        "TFRecordReader TFRecordReaderV2 TFRecordDataset TFRecordDatasetV2": "reads record files",
        "FixedLengthRecordReader FixedLengthRecordReaderV2": "reads files",
        "FixedLengthRecordDataset FixedLengthRecordDatasetV2": "reads files",
        "CSVDataset CSVDatasetV2 ExperimentalCSVDataset": "reads CSV files",
        "LMDBReader LMDBDataset ExperimentalLMDBDataset": "reads a database",
        "SqlDataset ExperimentalSqlDataset": "opens a database and queries it",
        "RecordInput": "reads record files",
        "ReaderRead ReaderReadV2 ReaderReadUpTo ReaderReadUpToV2": "reads files",
        "LoadDataset ListSnapshotChunksDataset": "reads a data set from files",
        "SnapshotDatasetReader SnapshotNestedDatasetReader": "reads a data set from files",
        "LoadAndRemapMatrix": "reads a checkpoint",
        "GenerateVocabRemapping": "reads vocabulary files",
        "Restore RestoreSlice DTensorRestoreV2": "reads a checkpoint under a name of its own",
        "ImmutableConst": "maps a file into memory",
        "InitializeTRTResource": "reads compiled programs from a file",
        "Skipgram": "reads a text file",
    },
    "connect": {
        "RemoteCall": "calls a function on another device or machine",
        "RpcCall RpcCheckStatus RpcClient RpcGetValue": "calls another machine",
        "RpcServer RpcServerRegister RpcServerStart": "listens for connections",
        "DeleteRpcFutureResource Rpc TryRpc": "calls another machine",
        "DataServiceDataset DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4": (
            "reads data from another machine"
        ),
        "RegisterDataset RegisterDatasetV2": "sends a data set to another machine",
        "Send Recv _Send _Recv _HostSend _HostRecv": "exchanges tensors with another machine",
        "XlaHostCompute _XlaHostComputeMlir XlaSendToHost XlaRecvFromHost": (
            "has the host of an accelerator compute"
        ),
        "_XlaRecvAtHost _XlaRecvAtHostV2 _XlaSendFromHost _XlaSendFromHostV2": (
            "has the host of an accelerator compute"
        ),
        "ConfigureDistributedTPU _ConfigureDistributedTPU ConfigureAndInitializeGlobalTPU": (
            "takes over a group of accelerators"
        ),
        "ShutdownDistributedTPU _ShutdownDistributedTPU ShutdownTPUSystem WorkerHeartbeat": (
            "shuts accelerators down"
        ),
        "_InitializeHostForDistributedTPU _DisconnectHostFromDistributedTPUSystem": (
            "takes over a group of accelerators"
        ),
        "_WaitForDistributedTPU _SetGlobalTPUArray DTensorSetGlobalTPUArray": (
            "takes over a group of accelerators"
        ),
        "BigQueryReader BigtableClient KafkaDataset KinesisDataset PubSubDataset": (
            "reads data from another machine"
        ),
        "GcsConfigureBlockCache GcsConfigureCredentials": "configures a file system",
    },
}
"""Operators whose effect reaches out of the graph, by what they do."""

CONDITIONS: Final[dict[str, str]] = {
    "SaveV2": "checkpoint",
    "RestoreV2": "checkpoint",
    "MergeV2Checkpoints": "checkpoint",
    "InitializeTableFromTextFile": "asset",
    "InitializeTableFromTextFileV2": "asset",
    "PrintV2": "stream",
    "DecodeProtoV2": "descriptor",
    "EncodeProto": "descriptor",
    "XlaCallModule": "module",
}
"""Operators that every other model has, and that do harm by what they are given."""

WITH_STATE: Final = re.compile(
    r"Add(Many)?Sparse.*|All(CandidateSampler|ToAll)|Anonymous.*|Assert|Assign.*|Barrier"
    r"|BoostedTrees.*|Case|CheckNumerics(V2)?|ConditionalAccumulator|ConsumeMutexLock"
    r"|CrossReplicaSum|CudnnRNN.*|DatasetToSingleElement|DeepCopy"
    r"|Delete(Iterator|MemoryCache|MultiDeviceIterator|RandomSeedGenerator|SeedGenerator)"
    r"|DestroyResourceOp|DeviceIndex|DisableCopyOnRead|Dummy\w*|Empty"
    r"|Experimental(GroupByReducer|Random|ThreadPool)Dataset|ExperimentalThreadPoolHandle"
    r"|(Padding)?FIFOQueue(V2)?|FakeQueue|FixedUnigramCandidateSampler|GeneratorDataset"
    r"|GlobalShuffleDataset|GroupByReducerDataset|GuaranteeConst|HashTable(V2)?|If"
    r"|InitializeTable(FromDataset|V2)|Is(BoostedTrees|Resource|TensorFloat32)\w*"
    r"|Iterator\w*|LearnedUnigramCandidateSampler|ListDataset|LogUniformCandidateSampler"
    r"|LookupTable\w*|MakeIterator|(Ordered)?Map(Clear|IncompleteSize|Peek|Size|Stage|Unstage\w*)"
    r"|MultiDeviceIterator\w*|Multinomial|Mutable(Dense)?HashTable\w*|MutexLock|MutexV2"
    r"|NonDeterministicInts|OneShotIterator|Parameterized\w*|Print|PriorityQueue(V2)?"
    r"|Queue\w*V2|Random\w*|RangeDataset|ReadVariable\w*|ReduceDataset"
    r"|Resource(Accumulator|Apply|ConditionalAccumulator|CountUpTo|Gather|Scatter|SparseApply"
    r"|StridedSlice)\w*|Rng\w*|SampleDistortedBoundingBox(V2)?|Shuffle\w*Dataset\w*"
    r"|SparseConditionalAccumulator|SparseTensorSliceDataset|Stack(Close|Pop|Push)?(V2)?"
    r"|Stage(Clear|Peek|Size)?|Stateful\w*|StatelessRandomGetAlg|StatsAggregatorHandle(V2)?"
    r"|SyncDevice|TakeManySparseFromTensorsMap|TemporaryVariable|TensorArray\w*|TensorDataset"
    r"|TensorSliceDataset|ThreadPool(Dataset|Handle)|ThreadUnsafeUnigramCandidateSampler"
    r"|Timestamp|TruncatedNormal|UniformCandidateSampler|Unstage|VarHandleOp|VarIsInitializedOp"
    r"|Variable(Shape|V2)?|While|_Arg|_Retval|_If|_While|_ReadVariablesOp|_VarHandlesOp"
    r"|Xla(If|While|Launch|Dequantize)|TPUOrdinalSelector|TPURoundRobin"
)
"""Operators whose state is variables, tables, queues, iterators or random numbers."""

ONNX_EFFECTS: Final = {
    "com.microsoft": {
        "EPContext": "hands a compiled program to a hardware driver, from the model or from a file",
        "PythonOp": "calls a Python function",
        "PythonOpGrad": "calls a Python function",
        "ATen": "calls any operator of PyTorch by its name",
        "Snpe": "hands a compiled program to a hardware driver",
        "OpenVINO": "hands a compiled program to a hardware driver",
    },
}
TRAINING: Final = (
    ("ai.onnx.preview.training", "Gradient"),
    ("ai.onnx.preview.training", "GraphCall"),
)


def spread(table: dict[str, str]) -> dict[str, str]:
    """Return *table* with one name a key."""
    return {name: why for names, why in table.items() for name in names.split()}


def tensorflow_operators() -> dict[str, Any]:
    """Return TensorFlow's operators by class."""
    from tensorflow.core.framework import op_def_pb2  # noqa: PLC0415  only where it is installed
    from tensorflow.python.client import pywrap_tf_session  # noqa: PLC0415  as above

    registry = op_def_pb2.OpList()
    registry.ParseFromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList()))
    effects = {
        name: [effect, why]
        for effect, table in EFFECTS.items()
        for name, why in spread(table).items()
    }
    assert not set(effects) & set(CONDITIONS)
    allowed = sorted(
        op.name
        for op in registry.op
        if op.name not in effects
        and op.name not in CONDITIONS
        and (not op.is_stateful or WITH_STATE.fullmatch(op.name))
    )
    calls = sorted(
        op.name for op in registry.op if any(a.type in ("func", "list(func)") for a in op.attr)
    )
    return {"effects": effects, "conditions": CONDITIONS, "allowed": allowed, "calls": calls}


def onnx_operators() -> dict[str, Any]:
    """Return the operators of ONNX and of ONNX Runtime by domain."""
    import onnx.defs  # noqa: PLC0415  only where it is installed
    from onnxruntime.capi import onnxruntime_pybind11_state as runtime  # noqa: PLC0415  as above

    pairs = {(s.domain, s.name) for s in onnx.defs.get_all_schemas_with_history()}
    pairs |= {(s.domain, s.name) for s in runtime.get_all_operator_schema()}
    pairs |= set(TRAINING)
    allowed: dict[str, list[str]] = {}
    for domain, name in sorted(pairs):
        if name not in ONNX_EFFECTS.get(domain, {}):
            allowed.setdefault(domain, []).append(name)
    return {"effects": ONNX_EFFECTS, "allowed": allowed}


def dump(name: str, table: dict[str, Any]) -> None:
    """Write *table*, one entry of its members a line."""
    text = json.dumps(table, indent=0, separators=(",", ": "))
    (FOLDER / name).write_text(text + "\n", "utf-8")


def main() -> None:
    """Write both lists."""
    dump("tensorflow.json", tensorflow_operators())
    dump("onnx.json", onnx_operators())


if __name__ == "__main__":
    main()
