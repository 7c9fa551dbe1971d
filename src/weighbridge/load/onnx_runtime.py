"""
Sessions of ONNX Runtime on verified bytes, external data included.

A session made of bytes looks for external data in the working directory. So every tensor that has
its data elsewhere is found first, and the held files are given to ONNX Runtime in memory. It takes
them for the initializers of the main graph only, and opens files for those of inner graphs: such
models are refused.
"""

from collections.abc import Iterator, Sequence
from posixpath import dirname, join, normpath
from typing import TYPE_CHECKING, Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError, MissingExtraError
from weighbridge.formats.onnx import MODEL, OnnxReader, OnnxTensor
from weighbridge.formats.protobuf import Document, load_schema
from weighbridge.load.foreign import foreign
from weighbridge.load.held import HeldFile, HeldFiles

if TYPE_CHECKING:
    import onnxruntime

DEFAULT_PROVIDERS: Final = ("CPUExecutionProvider",)

_CONTEXT: Final = "EPContext"
"""An operator whose attribute names a compiled model in another file."""


def load_session(
    files: HeldFiles, path: str, *, where: str, providers: Sequence[str]
) -> "onnxruntime.InferenceSession":
    """
    Return a session for the ONNX model at *path*.

    Args:
        files: All files of the artifact, for external data.
        path: The model's.
        where: The model, for errors.
        providers: ONNX Runtime's execution providers, the preferred one first.

    Raises:
        ArtifactRefusedError: Data would come from no file of the artifact.
        MissingExtraError: ONNX Runtime is not installed, or too old to take data from memory.
        OperationError: ONNX Runtime does not take the model.
    """
    try:
        import onnxruntime  # noqa: PLC0415  optional, slow
    except ImportError as error:
        raise _missing() from error
    needed = find_external_files(files, path, where=where)
    options = onnxruntime.SessionOptions()
    if needed and not hasattr(options, "add_external_initializers_from_files_in_memory"):
        raise _missing()
    views = [held.view() for held in needed.values()]
    with foreign("ONNX Runtime", where=where):
        if needed:
            options.add_external_initializers_from_files_in_memory(
                list(needed), views, [len(view) for view in views]
            )
        session = onnxruntime.InferenceSession(
            files[path].read(), sess_options=options, providers=list(providers)
        )
    # `set_providers` makes the session anew, of the same options, and does not copy them.
    session.weighbridge_external_data = views
    return session


def find_external_files(files: HeldFiles, path: str, *, where: str) -> dict[str, HeldFile]:
    """
    Return the held files from which the model at *path* takes data, by what the model calls them.

    Raises:
        ArtifactRefusedError: One is not among *files*, or is needed where ONNX Runtime would open
            it by its path.
        MalformedContentError: The model is no protobuf message.
        LimitExceededError: The model exceeds a bound.
    """
    reader = OnnxReader(_document(files[path]))
    found: dict[str, HeldFile] = {}
    initializers: set[int] | None = None
    for tensor in reader.tensors():
        if tensor.external is None:
            continue
        if initializers is None:
            initializers = set(_initializers(_document(files[path])))
        if tensor.offset not in initializers:
            raise _refused(where, tensor, "data of an inner graph or of a constant in a file")
        location = dict(tensor.external).get("location", "")
        target = join(dirname(path), location)
        # A path that is written in two ways could be two files to ONNX Runtime.
        if location != normpath(location) or target not in files:
            raise _refused(where, tensor, f"data in {location[:200]!r}")
        found[location] = files[target]
    for operator in reader.operators:
        if operator.name == _CONTEXT:
            raise ArtifactRefusedError(
                "the model refers to a compiled model in another file",
                code=Code.LOAD_REFUSED,
                where=where,
                found=f"the operator {_CONTEXT}",
            )
    return found


def _document(held: HeldFile) -> Document:
    return Document(held, schema=load_schema("onnx"), check=_never)


def _never() -> None:
    """Let the reader go on: its bounds are enough for a model that was scanned."""


def _initializers(document: Document) -> Iterator[int]:
    """Yield the offsets of the initializers of the main graph."""
    for field in document.root(MODEL).fields():
        if field.name == "graph":
            for part in field.message.fields():
                if part.name == "initializer":
                    yield part.at


def _refused(where: str, tensor: OnnxTensor, found: str) -> ArtifactRefusedError:
    return ArtifactRefusedError(
        "the model takes data from where nothing was verified",
        code=Code.LOAD_REFUSED,
        where=f"{where}: {tensor.name[:200]}",
        expected="initializers of the main graph, in files of this artifact",
        found=found,
        hint="Let the publisher save the model with its data in one file",
    )


def _missing() -> MissingExtraError:
    return MissingExtraError.for_extra("onnx", purpose="a session of ONNX Runtime")
