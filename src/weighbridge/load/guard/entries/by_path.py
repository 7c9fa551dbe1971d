"""
Loaders in Python that open files themselves, by `open` and by other entry points.

The file is admitted first; from then on every opening of it, and of what lies in the same artifact,
gives the verified bytes. What they load of it in memory is a part of those. What names no file
here, such as a URL or `~/f`, is left to what the loader calls: nobody answers for what comes of it.
"""

import os
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from weighbridge.load.guard.entries.paths import is_path
from weighbridge.load.guard.entries.replacing import replace, replace_method
from weighbridge.load.guard.scopes import Scope, entered
from weighbridge.load.guard.watch import guard

_FUNCTIONS = {
    "flair.file_utils": ("load_torch_state",),
    "keras.src.saving.saving_api": ("load_model", "load_weights"),
    "pandas.io.pickle": ("read_pickle",),
    "spacy.util": ("load_model_from_path",),
    "stable_baselines3.common.save_util": ("load_from_zip_file",),
}
_ARGUMENTS = {
    "from_disk": (1, "path"),
    "load_from_zip_file": (0, "load_path"),
    "load_model": (0, "filepath"),
    "load_model_from_path": (0, "model_path"),
    "load_torch_state": (0, "model_file"),
    "load_weights": (1, "filepath"),
    "read_pickle": (0, "filepath_or_buffer"),
}
_CONFIGURATIONS = ("config.cfg", "config.json")
"""What a directory of a model has, of spaCy and of Keras."""
_ENDINGS = {"stable_baselines3.load_from_zip_file": ".zip"}
"""What a loader adds to a name that there is no file of."""


def install(module: ModuleType) -> None:
    """Guard the loaders of one of the libraries' modules."""
    if module.__name__ == "spacy.language":
        replace_method(
            module.Language,
            "from_disk",
            partial(_by_path, "spacy.Language.from_disk", *_ARGUMENTS["from_disk"]),
        )
        return
    for name in _FUNCTIONS[module.__name__]:
        entry = f"{module.__name__.partition('.')[0]}.{name}"
        replace(module, name, partial(_by_path, entry, *_ARGUMENTS[name]))


def _by_path(
    entry: str, position: int, keyword: str, original: Callable[..., Any]
) -> Callable[..., Any]:
    def load(*args: Any, **options: Any) -> Any:
        given: Any = args[position] if len(args) > position else options.get(keyword)
        if not is_path(given):
            return original(*args, **options)
        path = os.fsdecode(given)
        if entry in _ENDINGS and not os.path.exists(path):
            # Whatever has the shorter name by then is not the file that is admitted.
            path += _ENDINGS[entry]
            if len(args) > position:
                args = (*args[:position], path, *args[position + 1 :])
            else:
                options[keyword] = path
        if path.startswith("~") or "://" in path or not os.path.exists(path):
            # Whatever the loader makes of it is no file that was admitted.
            return original(*args, **options)
        if os.path.isdir(path):
            inner = [os.path.join(path, name) for name in _CONFIGURATIONS]
            path = next(filter(os.path.exists, inner), inner[-1])
        guard().admit(path, entry=entry)
        with entered(Scope(what=path, verified=True)):
            return original(*args, **options)

    return load
