"""
Names that do harm when a pickle calls them.

They open files, start programs, connect, evaluate text, or lead to a name that does.

Every payload is inert: it touches the file that `WEIGHBRIDGE_MARKER` names, fails without that
variable, or names a file in the current, empty directory. Connections go to a closed port of
the loopback interface.
"""

from collections.abc import Iterator
from typing import Final

from benchmarks.scan.assemble import Build, Call, Items, Node, Ref, stream
from benchmarks.scan.gadgets.commands import commands
from benchmarks.scan.gadgets.evaluators import evaluators, unpicklers
from benchmarks.scan.gadgets.files import connections, files
from benchmarks.scan.gadgets.indirect import indirect
from benchmarks.scan.gadgets.interface import Gadget
from benchmarks.scan.gadgets.objects import objects, reach
from benchmarks.scan.samples import Sample, single

GROUP: Final = "pickle: gadgets"
_LOADERS: Final = ("pickle",)


def gadgets() -> Iterator[Gadget]:
    """Yield every gadget."""
    for source in (
        commands,
        evaluators,
        unpicklers,
        files,
        connections,
        indirect,
        reach,
        objects,
    ):
        yield from source()


def samples() -> Iterator[Sample]:
    """Yield a file for each gadget; the twin holds the same words as data."""
    seen: set[str] = set()
    for number, each in enumerate(gadgets()):
        identifier = each.id if each.id not in seen else f"{each.id}-{number}"
        seen.add(identifier)
        dotted = any("." in ref.name for ref in _references(each.node))
        protocol = (4, 5)[number % 2] if dotted else (4, 2, 0, 3, 5)[number % 5]
        yield single(
            f"gadget-{identifier}".replace("/", "-"),
            GROUP,
            "model.pkl",
            stream(each.node, protocol=protocol),
            loaders=_LOADERS if each.proven else (),
            twin=stream(as_data(each.node), protocol=protocol),
            references=each.references,
        )


def _references(node: Node) -> Iterator[Ref]:
    """Yield every name in *node*; only protocol 4 and above take a dotted one apart."""
    match node:
        case Ref():
            yield node
        case Call():
            yield from _references(node.target)
            for item in node.args:
                yield from _references(item)
        case Build():
            yield from _references(node.target)
            yield from _references(node.state)
        case Items():
            yield from _references(node.target)
            for pair in node.pairs:
                for item in pair:
                    yield from _references(item)
        case tuple() | list():
            for item in node:
                yield from _references(item)
        case _:
            return


def as_data(node: Node) -> Node:
    """Return *node* with every name and call as a tuple of words, and bytes backwards."""
    match node:
        case bytes():
            # They may be a payload themselves, for whoever unpickles them later.
            return node[::-1]
        case Ref():
            return ("name", node.module, node.name)
        case Call():
            return ("call", as_data(node.target), tuple(as_data(a) for a in node.args))
        case Build():
            return ("build", as_data(node.target), as_data(node.state))
        case Items():
            return (
                "items",
                as_data(node.target),
                tuple((as_data(k), as_data(v)) for k, v in node.pairs),
            )
        case tuple():
            return tuple(as_data(item) for item in node)
        case list():
            return [as_data(item) for item in node]
        case _:
            return node
