"""Models of XGBoost, LightGBM and CatBoost, which native parsers read by name."""

import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

from weighbridge.load.guard.entries.paths import is_path, sealed
from weighbridge.load.guard.entries.replacing import replace_method
from weighbridge.load.guard.watch import guard


def install(module: ModuleType) -> None:
    """Guard one of the frameworks' modules."""
    match module.__name__:
        case "xgboost.core":
            replace_method(module.Booster, "load_model", _xgboost)
        case "lightgbm.basic":
            replace_method(module.Booster, "__init__", _lightgbm)
        case _:
            replace_method(module.CatBoost, "load_model", _catboost)


def _xgboost(original: Callable[..., Any]) -> Callable[..., Any]:
    def load_model(self: Any, fname: Any) -> Any:
        if is_path(fname):
            path = os.path.expanduser(os.fsdecode(fname))
            admission = guard().admit(path, entry="xgboost.Booster.load_model")
            if admission is not None:
                return original(self, bytearray(admission.held.read()))
        return original(self, fname)

    return load_model


def _lightgbm(original: Callable[..., Any]) -> Callable[..., Any]:
    def __init__(  # noqa: N807  it becomes this method
        self: Any,
        params: Any = None,
        train_set: Any = None,
        model_file: Any = None,
        model_str: Any = None,
    ) -> None:
        if model_file is not None:
            admission = guard().admit(os.fsdecode(model_file), entry="lightgbm.Booster")
            if admission is not None:
                model_file, model_str = None, admission.held.read().decode()
        original(self, params, train_set, model_file, model_str)

    return __init__


def _catboost(original: Callable[..., Any]) -> Callable[..., Any]:
    def load_model(self: Any, fname: Any = None, *args: Any, **options: Any) -> Any:
        if is_path(fname):
            fname = sealed(fname, entry="catboost.load_model")
        return original(self, fname, *args, **options)

    return load_model
