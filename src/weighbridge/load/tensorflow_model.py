"""
SavedModels of TensorFlow, from a directory of sealed bytes.

TensorFlow opens the files of a SavedModel by their names, in C++. It gets a directory that shows
the verified bytes and nothing else (`load.shown`). A SavedModel is a program: loading it runs the
operators that initialise it, calling it runs any. So these very bytes are scanned right before, and
any finding refuses them: operators that read, write, run or connect, and those that nobody knows.
"""

from posixpath import dirname
from typing import TYPE_CHECKING, Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import MissingExtraError, OperationError
from weighbridge.load.clean import require_clean
from weighbridge.load.foreign import foreign
from weighbridge.load.held import HeldFile, HeldFiles
from weighbridge.load.shown import show_files
from weighbridge.load.store import Store

if TYPE_CHECKING:
    from tensorflow.python.trackable.autotrackable import AutoTrackable

GRAPH: Final = "saved_model.pb"
"""TensorFlow knows a SavedModel by this name."""

_FINGERPRINT: Final = "fingerprint.pb"
_FOLDERS: Final = ("assets/", "variables/")
"""What TensorFlow reads besides. Meta graphs of Keras and warm-up requests are not shown to it."""


def load_tensorflow(files: HeldFiles, path: str, *, name: str, where: str) -> "AutoTrackable":
    """
    Return the SavedModel whose graph is the file at *path*, as `tensorflow.saved_model.load` does.

    Args:
        files: All files of the artifact.
        path: The graph's: `saved_model.pb` in the model's directory.
        name: The graph's base name.
        where: The graph, for errors.

    Raises:
        ArtifactRefusedError: The scan finds anything in the model; nothing of it ran.
        ArtifactChangedError: Somebody changed the directory that shows the files meanwhile.
        MissingExtraError: TensorFlow is not installed.
        OperationError: It does not take the model.
        StoreError: There is no place for the directory.
    """
    if name != GRAPH or path == ".":
        raise OperationError(
            "TensorFlow loads directories in which the graph has one name",
            code=Code.LOAD_FORMAT,
            where=where,
            expected=GRAPH,
            found=name,
        )
    shown = _files_of(files, dirname(path))
    for each, place in shown.items():
        require_clean(files, place, name=each.rpartition("/")[2], where=place)
    try:
        import tensorflow as tf  # noqa: PLC0415  optional, slow
    except ImportError as error:
        raise MissingExtraError.for_extra("tensorflow", purpose="a SavedModel") from error
    held: dict[str, HeldFile] = {each: files[place] for each, place in shown.items()}
    with (
        show_files(held, name=dirname(path) or "model", store=Store()) as root,
        foreign("TensorFlow", where=where),
    ):
        return tf.saved_model.load(str(root))


def _files_of(files: HeldFiles, folder: str) -> dict[str, str]:
    """Return what TensorFlow reads of the model in *folder*: path there, and in the artifact."""
    prefix = f"{folder}/" if folder else ""
    below = {path.removeprefix(prefix): path for path in files.paths if path.startswith(prefix)}
    return {
        path: place
        for path, place in below.items()
        if path in {GRAPH, _FINGERPRINT} or path.startswith(_FOLDERS)
    }
