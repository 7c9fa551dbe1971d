"""What a gadget is, and what many of them are made of."""

from dataclasses import dataclass
from typing import Final

from benchmarks.scan.assemble import Call, Node, Ref, stream
from benchmarks.scan.samples import ARGV, PYTHON, SHELL

MODULES: Final = "importlib.import_module"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gadget:
    """A description of a harmful value; *inert* gadgets only have to be found."""

    id: str
    node: Node
    references: tuple[str, ...] = ()
    proven: bool = True


def ref(dotted: str) -> Ref:
    """Return a reference: `module:name`."""
    module, _, name = dotted.partition(":")
    return Ref(module, name)


def call(dotted: str, *args: Node) -> Call:
    """Return a call of `module:name`."""
    return Call(ref(dotted), args)


def gadget(node: Call, *references: str, suffix: str = "", proven: bool = True) -> Gadget:
    """Return a gadget that is called as what it calls."""
    target = node.target
    label = f"{target.module}.{target.name}" if isinstance(target, Ref) else "chain"
    return Gadget(id=label + suffix, node=node, references=references, proven=proven)


COMPILED: Final = call("builtins:compile", PYTHON, "weighbridge", "exec")
OS: Final = call("importlib:import_module", "os")
NESTED: Final = stream(call("os:system", SHELL), protocol=2)
LINE: Final[list[Node]] = [*ARGV]
PORT: Final = 9
HOST: Final = "127.0.0.1"
