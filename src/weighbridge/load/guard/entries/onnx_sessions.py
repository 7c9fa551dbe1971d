"""
`onnxruntime.InferenceSession`: of verified bytes, with external data from the same artifact.

Libraries of operators and providers, which it loads by itself, are code, and looked at.
"""

import os
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.errors import WeighbridgeError
from weighbridge.load.guard.entries.paths import is_path, look_at_library
from weighbridge.load.guard.entries.replacing import replace, replace_method
from weighbridge.load.guard.handing import judged
from weighbridge.load.guard.interface import Admission
from weighbridge.load.guard.judging import judge_file_in_memory
from weighbridge.load.guard.scopes import Scope, working
from weighbridge.load.guard.watch import guard
from weighbridge.load.held import HeldFile, HeldFiles
from weighbridge.load.memory import InlineMemory
from weighbridge.load.onnx_runtime import find_external_files

_ENTRY: Final = "onnxruntime.InferenceSession"


def install(module: ModuleType) -> None:
    """Guard `onnxruntime.capi.onnxruntime_inference_collection`."""
    session = module.InferenceSession
    if not hasattr(session, "_weighbridge"):
        session._weighbridge = True
        session.__init__ = _guarded(session.__init__, module)
    replace_method(module.C.SessionOptions, "register_custom_ops_library", _operators)
    replace(module.C, "register_execution_provider_library", _provider)


def _operators(original: Callable[..., None]) -> Callable[..., None]:
    def register_custom_ops_library(self: Any, path: Any) -> None:
        look_at_library(path, entry="register_custom_ops_library")
        original(self, path)

    return register_custom_ops_library


def _provider(original: Callable[..., None]) -> Callable[..., None]:
    def register_execution_provider_library(name: Any, path: Any) -> None:
        look_at_library(path, entry="register_execution_provider_library")
        original(name, path)

    return register_execution_provider_library


def _guarded(original: Callable[..., None], module: ModuleType) -> Callable[..., None]:
    def __init__(  # noqa: N807  it becomes this method
        self: Any, path_or_bytes: Any, sess_options: Any = None, *args: Any, **options: Any
    ) -> None:
        model = path_or_bytes
        if is_path(model) and not isinstance(model, bytes):
            admission = guard().admit(os.fsdecode(model), entry=_ENTRY)
            if admission is not None:
                needed = _external(admission)
                if needed:
                    sess_options = sess_options or module.C.SessionOptions()
                    self._weighbridge_data = _provide(needed, sess_options)
                model = admission.held.read()
        else:
            judged(bytes(model), entry=_ENTRY, judge=_judge)
        original(self, model, sess_options, *args, **options)

    return __init__


def _external(admission: Admission) -> dict[str, HeldFile]:
    """Return the files that the model takes data from; those that it may not are a denial."""
    try:
        with working():
            if admission.held.read_at(4, 4) == b"ORTM":
                return {}
            return find_external_files(admission.files, admission.relative, where=admission.path)
    except WeighbridgeError as error:
        guard().refuse(_ENTRY, error, path=admission.path)
        return {}


def _provide(needed: dict[str, HeldFile], options: Any) -> list[memoryview]:
    views = [held.view() for held in needed.values()]
    options.add_external_initializers_from_files_in_memory(
        list(needed), views, [len(view) for view in views]
    )
    return views


def _judge(data: bytes) -> Scope:
    if judge_file_in_memory(data, name="memory.onnx") is FileFormat.ONNX:
        held = HeldFiles({".": HeldFile(InlineMemory(data))})
        find_external_files(held, ".", where="bytes in memory")
    return Scope(what="bytes in memory", verified=True)
