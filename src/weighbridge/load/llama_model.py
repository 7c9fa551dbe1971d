"""
GGUF models for llama.cpp, by way of llama-cpp-python.

llama.cpp opens a file by its name and maps it. It gets the name of a sealed memory file with the
verified bytes. Its parser was wrong about hostile headers (CVE-2024-21802, CVE-2024-23496), and
llama-cpp-python runs a file's chat template (CVE-2024-34359), so these very bytes are scanned right
before, and any finding refuses them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from weighbridge.core.errors import MissingExtraError, UsageError
from weighbridge.load.clean import require_clean
from weighbridge.load.foreign import foreign
from weighbridge.load.held import HeldFiles
from weighbridge.load.shown import show_files
from weighbridge.load.store import Store

if TYPE_CHECKING:
    import llama_cpp

SETTINGS: Final[Mapping[str, tuple[type, ...]]] = MappingProxyType(
    {
        "embedding": (bool,),
        "flash_attn": (bool,),
        "logits_all": (bool,),
        "main_gpu": (int,),
        "n_batch": (int,),
        "n_ctx": (int,),
        "n_gpu_layers": (int,),
        "n_threads": (int,),
        "n_threads_batch": (int,),
        "n_ubatch": (int,),
        "seed": (int,),
        "verbose": (bool,),
        "vocab_only": (bool,),
    }
)
"""
What a program may say besides, and its types.

Whatever names another file (`lora_path`), overrides what the file says (`kv_overrides`)
or is code (`chat_handler`) is not among it; it can be given to the model's methods afterwards.
"""

_SUFFIX: Final = ".gguf"


def load_llama(
    files: HeldFiles, path: str, *, name: str, where: str, settings: Mapping[str, object]
) -> "llama_cpp.Llama":
    """
    Return a model of llama.cpp for the GGUF file at *path*.

    Args:
        files: All files of the artifact.
        path: The model's. One that is split over several files is refused by llama.cpp.
        name: The file's base name, which the model is called by.
        where: The file, for errors.
        settings: Some of `SETTINGS`. Without `verbose` llama.cpp says nothing.

    Raises:
        ArtifactRefusedError: The scan finds anything in these bytes; nothing was loaded.
        ArtifactChangedError: Somebody changed the directory that shows the file meanwhile.
        MissingExtraError: llama-cpp-python is not installed.
        OperationError: It does not take the file.
        StoreError: There is no place for the directory.
        UsageError: A setting that could lead elsewhere.
    """
    _check(settings)
    require_clean(files, path, name=name, where=where)
    try:
        import llama_cpp  # noqa: PLC0415  optional, slow
    except ImportError as error:
        raise MissingExtraError.for_extra("llama", purpose="a model of llama.cpp") from error
    # It is the only file there is: llama.cpp looks for the others of a split model beside it.
    shown = {f"model{_SUFFIX}": files[path]}
    with show_files(shown, name=name, store=Store()) as root, foreign("llama.cpp", where=where):
        model = llama_cpp.Llama(str(root / f"model{_SUFFIX}"), **{"verbose": False, **settings})
    # Copies of the object are made by reading the file once more, and there is none any more.
    model.model_path = name
    return model


def _check(settings: Mapping[str, object]) -> None:
    for setting, value in settings.items():
        known = SETTINGS.get(setting)
        if known is None or type(value) not in known:
            raise UsageError(
                f"a model of llama.cpp is not loaded with this {setting}",
                expected=", ".join(sorted(SETTINGS)),
                found=f"{setting} of type {type(value).__name__}",
                hint="What is not listed could read another file, or run code",
            )
