"""
Models of Keras 3, by Keras, from a sealed file.

A `.keras` file is a program that names what to build. Keras' own safe mode forbids some of it, and
has been got around more than once (CVE-2025-1550, CVE-2025-8747, CVE-2025-9906, CVE-2025-49655). So
these very bytes are scanned right before, and any finding refuses them: code in Lambda layers,
layers that load, run or unpickle something else, files that the configuration refers to, and
whatever is no class or function of Keras, also if the program has registered it. Safe mode is on
besides.

Keras tells its format from the file's name. It gets the name of a sealed memory file in a directory
with nothing else (`load.shown`), so that whatever it opens, however often, is what was scanned.
"""

from typing import TYPE_CHECKING, Final

from weighbridge.core.errors import MissingExtraError
from weighbridge.load.clean import require_clean
from weighbridge.load.foreign import foreign
from weighbridge.load.held import HeldFiles
from weighbridge.load.shown import show_files
from weighbridge.load.store import Store

if TYPE_CHECKING:
    import keras

_SUFFIX: Final = ".keras"


def load_keras(files: HeldFiles, path: str, *, name: str, where: str) -> "keras.Model":
    """
    Return the model of Keras in the file at *path*, on whichever backend Keras is set to.

    Args:
        files: All files of the artifact.
        path: The model's.
        name: The file's base name.
        where: The file, for errors.

    Raises:
        ArtifactRefusedError: The scan finds anything in these bytes; nothing of them ran.
        ArtifactChangedError: Somebody changed the directory that shows the file meanwhile.
        MissingExtraError: Keras, or the backend that it is set to, is not installed.
        OperationError: Keras does not take the file.
        StoreError: There is no place for the directory.
    """
    require_clean(files, path, name=name, where=where)
    try:
        import keras  # noqa: PLC0415  optional, slow
    except ImportError as error:
        raise MissingExtraError.for_extra(
            "keras", purpose="a model of Keras, with a backend besides (torch, jax or tensorflow),"
        ) from error
    file = name if name.endswith(_SUFFIX) else f"{name}{_SUFFIX}"
    with (
        show_files({file: files[path]}, name="model", store=Store()) as root,
        foreign("Keras", where=where),
    ):
        return keras.saving.load_model(str(root / file), custom_objects=None, safe_mode=True)
