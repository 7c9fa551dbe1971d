"""What does harm by an import or by an object of its own."""

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType

from benchmarks.scan.assemble import Build, Call, Items, Ref
from benchmarks.scan.gadgets.interface import (
    Gadget,
    call,
    ref,
)
from benchmarks.scan.samples import PYTHON, SHELL


def reach() -> Iterator[Gadget]:
    """Yield the imports of the standard library through which `os.system` and the like are reached."""
    skipped = {
        "antigravity",
        "this",
        "idlelib",
        "turtledemo",
        "lib2to3",
        "test",
        "turtle",
        "tkinter",
        "__main__",
        "builtins",
        "os",
        "posix",
        "subprocess",
    }
    for name in sorted(set(sys.stdlib_module_names) - skipped):
        module = _imported(name)
        if module is None:
            continue
        for alias, value in sorted(vars(module).items()):
            if not isinstance(value, ModuleType):
                continue
            if value.__name__ == "os":
                yield Gadget(
                    id=f"reach-{name}-{alias}.system", node=call(f"{name}:{alias}.system", SHELL)
                )
            elif value.__name__ == "subprocess":
                yield Gadget(
                    id=f"reach-{name}-{alias}.getoutput",
                    node=call(f"{name}:{alias}.getoutput", SHELL),
                )
            elif value.__name__ == "builtins":
                yield Gadget(
                    id=f"reach-{name}-{alias}.eval", node=call(f"{name}:{alias}.eval", PYTHON)
                )
            elif value.__name__ == "sys":
                modules = ref(f"{name}:{alias}.modules")
                node = call("builtins:getattr", call("builtins:dict.get", modules, "os"), "system")
                yield Gadget(id=f"reach-{name}-{alias}.modules", node=Call(node, (SHELL,)))
    for dotted in (
        "torch.serialization:os.system",
        "torch.hub:os.system",
        "numpy.ctypeslib:os.system",
        "numpy.lib._npyio_impl:os.system",
        "joblib.disk:os.system",
        "joblib.memory:os.system",
        "sklearn.datasets._base:os.system",
        "pandas.io.common:os.system",
        "scipy._lib._util:os.system",
        "joblib.numpy_pickle:os.system",
        "sklearn.utils._show_versions:os.system",
        "torch:os.system",
        "torch.storage:warnings.sys.modules",
    ):
        yield Gadget(
            id=f"reach-{dotted.replace(':', '-')}",
            node=call(dotted, SHELL),
            proven=dotted.endswith("os.system"),
        )


def _imported(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except (ImportError, OSError):
        return None


def objects() -> Iterator[Gadget]:
    """Yield what does harm by a class of its own: BUILD, items, and imports that act."""
    yield Gadget(id="import-antigravity", node=Ref("antigravity", "fly"))
    yield Gadget(id="import-this", node=Ref("this", "s"), proven=False)
    yield Gadget(
        id="build-class-attribute",
        references=("PickleBall",),
        proven=False,
        node=Build(
            Ref("collections", "OrderedDict"),
            Items(Call(Ref("builtins", "dict")), (("__reduce__", Ref("os", "system")),)),
        ),
    )
    yield Gadget(
        id="build-module-dict",
        proven=False,
        node=Items(Ref("os", "__dict__"), (("getcwd", Ref("os", "system")),)),
    )
    yield Gadget(
        id="items-sys-modules",
        proven=False,
        node=Items(Ref("sys", "modules"), (("json", Ref("os", "system")),)),
    )
    yield Gadget(id="items-environ", node=Items(Ref("os", "environ"), (("WEIGHBRIDGE_X", "1"),)))
    yield Gadget(
        id="build-sys-modules-chain",
        references=("modelscan 89",),
        node=(
            Build(Ref("functools", "wraps"), (None, Ref("collections", "_sys.modules"))),
            Call(Ref("functools", "wraps.os.system"), (SHELL,)),
        ),
    )
