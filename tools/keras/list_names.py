# ruff: noqa: INP001, S603, T201  a program that is run by hand, and prints what it found
"""
Lists what a Keras model's configuration may name: `python list_names.py DIR... > names.toml`.

Each DIR has one version of `keras` or `tf_keras` in it (`pip install --no-deps --target DIR
keras==X`), and `-` stands for what the interpreter has itself; TensorFlow has to be there. What
is listed are classes whose instances are parts of a model, pure functions that layers and
losses refer to by name, and TensorFlow functions of tensors. `CURATED_OUT` holds what is left
out although it is a part of a model, since building it opens a file or runs code.
"""

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

CURATED_OUT = {
    "ClassMethod": "calls any TensorFlow function",
    "FlaxLayer": "holds functions of its own",
    "InstanceMethod": "calls any method of a tensor",
    "InstanceProperty": "reads any attribute of a tensor",
    "JaxLayer": "holds functions of its own",
    "KerasFileEditor": "opens a file",
    "Lambda": "holds code",
    "ReloadedLayer": "loads a SavedModel",
    "TFOpLambda": "calls any TensorFlow function",
    "TFSMLayer": "loads a SavedModel",
    "TensorFlowOpLayer": "holds a node of a graph, of any operation",
    "TorchModuleWrapper": "holds a pickle",
}
FUNCTION_MODULES = (
    "activations", "constraints", "initializers", "losses", "metrics", "ops", "regularizers",
)  # fmt: skip
NOT_PURE = {"get", "serialize", "deserialize"}
BASES = (
    "Layer", "Loss", "Metric", "Optimizer", "Initializer", "Regularizer", "Constraint",
    "LearningRateSchedule", "Operation", "DTypePolicy", "Policy", "KerasSaveable", "Quantizer",
    "Model", "LossScaleOptimizer", "Cross", "Feature", "QuantizationConfig",
)  # fmt: skip
NAMESPACES = (
    "bitwise", "image", "linalg", "math", "nn", "ragged", "sets", "signal", "sparse", "strings",
)  # fmt: skip
NOT_OF_TENSORS = {
    "Assert", "Module", "Variable", "autograph", "init_scope", "grad_pass_through", "function",
    "load_library", "load_op_library", "map_fn", "numpy_function", "print", "py_function",
    "register_tensor_conversion_function", "vectorized_map", "while_loop", "scan", "foldl",
    "foldr", "custom_gradient", "recompute_grad", "device", "get_current_name_scope", "cond",
    "case", "switch_case", "no_gradient", "get_logger", "control_dependencies", "get_static_value",
    "inside_function", "executing_eagerly", "is_symbolic_tensor", "is_tensor", "no_op",
    "make_ndarray", "make_tensor_proto", "timestamp", "variable_creator_scope",
    "import_graph_def", "nondifferentiable_batch_function", "gradients", "hessians",
    "type_spec_from_value",
}  # fmt: skip


def list_here() -> dict[str, Any]:
    """Return what the packages of this interpreter have."""
    found: dict[str, set[str]] = {"classes": set(), "functions": set(), "tensorflow": set()}
    versions = []
    for package in ("keras", "tf_keras"):
        if package not in (os.environ.get("WEIGHBRIDGE_NAMES_OF") or "keras tf_keras").split():
            continue
        module = __import__(package)
        versions.append(f"{package} {module.__version__}")
        for name in FUNCTION_MODULES:
            functions_of(getattr(module, name, None), f"keras.{name}", found["functions"])
        for name, submodule in list(sys.modules.items()):
            if name.partition(".")[0] == package and isinstance(submodule, ModuleType):
                found["classes"] |= classes_of(submodule)
    if "tf_keras" in (os.environ.get("WEIGHBRIDGE_NAMES_OF") or ""):
        found["tensorflow"] = tensor_functions()
    return {"versions": versions, **{key: sorted(names) for key, names in found.items()}}


def functions_of(module: ModuleType | None, path: str, into: set[str]) -> None:
    """Add the functions of *module* and its public submodules."""
    for name, value in vars(module).items() if module else ():
        if name.startswith("_") or name in NOT_PURE:
            continue
        if inspect.ismodule(value) and value.__name__.startswith(
            module.__name__ if module else "?"
        ):
            functions_of(value, f"{path}.{name}", into)
        elif inspect.isfunction(value):
            into.add(f"{path}.{name}")


def classes_of(module: ModuleType) -> set[str]:
    """Return the classes in *module* that are parts of models."""
    return {
        name
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and name not in CURATED_OUT
        and not name.startswith("_")
        and value.__name__ not in CURATED_OUT
        and value.__module__.partition(".")[0] in ("keras", "tf_keras")
        and any(base.__name__ in BASES for base in value.__mro__)
        and hasattr(value, "from_config")
    }


def tensor_functions() -> set[str]:
    """Return TensorFlow's functions of tensors, by the names that TFOpLambda layers use."""
    import tensorflow as tf  # noqa: PLC0415  only where it is asked for

    names = {
        name
        for name in dir(tf)
        if inspect.isroutine(getattr(tf, name)) and not name.startswith("_")
    } - NOT_OF_TENSORS
    for space in NAMESPACES:
        module = getattr(tf, space)
        names |= {f"{space}.{n}" for n in dir(module) if inspect.isroutine(getattr(module, n))}
    operators = tf.__operators__
    names |= {f"__operators__.{n}" for n in dir(operators) if not n.startswith("_")}
    return names


def main() -> None:
    """Ask each folder's packages and print their union."""
    if sys.argv[1:] == ["--here"]:
        print(json.dumps(list_here()))
        return
    union: dict[str, set[str]] = {}
    for folder in sys.argv[1:]:
        here = [] if folder == "-" else [folder]
        packages = " ".join(
            p for p in ("keras", "tf_keras") if not here or (Path(folder) / p).is_dir()
        )
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(here),
            "KERAS_BACKEND": "tensorflow",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "WEIGHBRIDGE_NAMES_OF": packages,
        }
        answer = subprocess.run(
            [sys.executable, __file__, "--here"],
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
        )
        for key, names in json.loads(answer.stdout.splitlines()[-1]).items():
            union.setdefault(key, set()).update(names)
    print("# Made by tools/keras/list_names.py; what is not here is reported.")
    for key, names in union.items():
        print(f"\n{key} = [")
        for name in sorted(names):
            print(f'    "{name}",')
        print("]")


if __name__ == "__main__":
    main()
