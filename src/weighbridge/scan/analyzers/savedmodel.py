"""TensorFlow: SavedModels, meta graphs and frozen graphs, by the operators that they run."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import RegionSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError, WeighbridgeError
from weighbridge.core.evidence import Gap
from weighbridge.core.limits.documents import MAX_TEXT_BYTES
from weighbridge.core.values import frozen
from weighbridge.formats.protobuf import Document, Field, load_schema
from weighbridge.formats.tensorflow import (
    GRAPH,
    META_GRAPH,
    SAVED_MODEL,
    MetaGraph,
    bodies,
    read_meta_graph,
)
from weighbridge.scan.interface import Analysis, Facts, Subject
from weighbridge.scan.keras.document import configuration_facts
from weighbridge.scan.protobuf_facts import protobuf_facts
from weighbridge.scan.tensorflow_graph import GraphUses, OperatorUse, PassedValue

_KERAS: Final = "_tf_keras"
"""What identifiers of Keras objects start with (keras/saving/legacy/saved_model/constants.py)."""
_MEMBER_CHARS: Final = 200


@frozen
class TensorFlowFacts(Facts):
    """
    What a graph does beyond computing.

    Attributes:
        uses: Operators that are not allowed outright, with what they are given.
        passed: What calls pass to such operators.
        unknown: Operators in no list: operator, node, function, offset.
        assets: Nodes that stand for assets, and the files that they name.
    """

    uses: tuple[OperatorUse, ...]
    passed: tuple[PassedValue, ...]
    unknown: tuple[tuple[str, str, str, int], ...]
    assets: tuple[tuple[str, str], ...]


def analyze(subject: Subject) -> Analysis:
    """
    Yield what each graph does, and what Keras would rebuild its layers from.

    What was found before the bytes turn out not to be a message is yielded, too.

    Raises:
        MalformedContentError: Not a protobuf message.
        LimitExceededError: Too many fields, nodes or functions.
    """
    yield from _read(subject, subject.format)
    if subject.format is FileFormat.SAVEDMODEL and not _has_usual_version(subject):
        # Without it, the same bytes can be a meta graph to who loads one.
        with suppress(MalformedContentError):
            yield from _read(subject, FileFormat.TF_METAGRAPH)


def _read(subject: Subject, file_format: FileFormat) -> Analysis:
    """Yield what the file does, read as *file_format*."""
    document = Document(subject.source, schema=load_schema("tensorflow"), check=subject.check_time)
    problem: WeighbridgeError | None = None
    try:
        for meta in _meta_graphs(document, file_format):
            yield from _graph(subject, meta)
            yield from _layers(subject, meta.metadata)
    except (MalformedContentError, LimitExceededError) as error:
        problem = error
    yield protobuf_facts(subject, document)
    if problem is not None:
        raise problem


def _has_usual_version(subject: Subject) -> bool:
    """Tell whether a SavedModel says that it has the only version there is."""
    document = Document(subject.source, schema=load_schema("tensorflow"), check=subject.check_time)
    return any(
        field.number == 1 and field.value == 1 for field in document.root(SAVED_MODEL).fields()
    )


def _meta_graphs(document: Document, file_format: FileFormat) -> Iterator[MetaGraph]:
    """Yield every meta graph of the file; a bare graph is one without anything around it."""
    if file_format is FileFormat.TF_GRAPH:
        root = document.root(GRAPH)
        yield MetaGraph(graphs=(root,), signatures=(), assets=(), metadata=(), captures=())
    elif file_format is FileFormat.TF_METAGRAPH:
        yield read_meta_graph(document.root(META_GRAPH))
    else:
        for field in document.root(SAVED_MODEL).fields():
            if field.name == "meta_graphs":
                yield read_meta_graph(field.message)


def _graph(subject: Subject, meta: MetaGraph) -> Iterator[TensorFlowFacts]:
    """Yield what the graph of *meta* does, as far as it can be read."""
    gathered = GraphUses(check=subject.check_time, captures=meta.captures)
    outputs = tuple(node for _, nodes in meta.signatures for node in nodes)
    problem: WeighbridgeError | None = None
    try:
        for graph in meta.graphs:
            for body in bodies(graph):
                gathered.add(body)
    except (MalformedContentError, LimitExceededError) as error:
        problem = error
    try:
        gathered.close(outputs)
    except (MalformedContentError, LimitExceededError) as error:
        problem = problem or error
    yield TensorFlowFacts(
        subject=subject,
        uses=tuple(gathered.uses),
        passed=tuple(gathered.passed),
        unknown=tuple(gathered.unknown),
        assets=meta.assets,
    )
    if problem is not None:
        raise problem


def _layers(subject: Subject, metadata: tuple[tuple[str, Field], ...]) -> Iterator[Facts | Gap]:
    """Yield what the descriptions of Keras objects among *metadata* say."""
    for number, (identifier, field) in enumerate(metadata):
        if identifier.startswith(_KERAS):
            yield from layer_facts(subject, f"{number}-{identifier}", field)


def layer_facts(subject: Subject, name: str, field: Field) -> Iterator[Facts | Gap]:
    """
    Yield what the description of a Keras object in *field* says.

    Raises:
        LimitExceededError: It is longer than a text may be.
    """
    member = name.replace("!", ".")[:_MEMBER_CHARS]
    source = RegionSource(subject.source, offset=field.start, length=field.size)
    layer = subject.nested(member=member, format=FileFormat.JSON, source=source)
    yield from configuration_facts(layer, field.data(MAX_TEXT_BYTES), what=member)
