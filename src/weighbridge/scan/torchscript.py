"""
What the programs of a TorchScript archive refer to.

There are two forms: source (`code/*.py`), from which torch.jit.load makes the program, and a
table of operators (`bytecode.pkl`), which the interpreter for phones takes instead.
"""

import re
from collections.abc import Iterator
from typing import Final

from weighbridge.formats.pickle.trace import Trace
from weighbridge.formats.pickle.values import DictNode, ListNode, TupleNode, Value
from weighbridge.formats.torchscript import NameChain, read_names
from weighbridge.scan.interface import Analysis, Subject
from weighbridge.scan.operator_facts import OperatorUse, judge_operators
from weighbridge.scan.operators.catalogue import HARMFUL

_CODE: Final = re.compile(r"(?:^|/)code/(?:.*/)?[^/]+\.py$")
_METHODS: Final = frozenset(
    name.removeprefix("aten::") for name in HARMFUL if name.startswith("aten::")
)
"""Operators that a tensor or a tuple has as a method, too."""

_OPERATOR_NAMES: Final = 2


def is_code(name: str) -> bool:
    """Tell whether the member *name* of an archive is TorchScript source."""
    return _CODE.search(name) is not None


def is_bytecode(name: str) -> bool:
    """Tell whether the member *name* of an archive has the operators of a program for phones."""
    return name.rpartition("/")[2] == "bytecode.pkl"


def walk_code(subject: Subject, data: bytes) -> Analysis:
    """
    Yield what the TorchScript source *data* refers to that does more than compute.

    Raises:
        MalformedContentError: It cannot be read.
        LimitExceededError: It is too large.
    """
    uses: list[OperatorUse] = []
    handed_on: list[OperatorUse] = []
    for chain in read_names(data):
        subject.check_time()
        for use in _uses(chain):
            (uses if use.name else handed_on).append(use)
    yield from judge_operators(subject, uses, tuple(handed_on))


def _uses(chain: NameChain) -> Iterator[OperatorUse]:
    """Yield the operators that *chain* refers to; one without a name for a bare namespace."""
    names = chain.names
    text = ("." if chain.attribute else "") + ".".join(names)
    if not chain.attribute:
        if names[0] == "torch":
            name = f"aten::{names[1]}" if len(names) > 1 else ""
            yield OperatorUse(name=name, text=text, offset=chain.offset)
            return
        if names[0] == "ops":
            name = f"{names[1]}::{names[2]}" if len(names) > _OPERATOR_NAMES else ""
            yield OperatorUse(name=name, text=text, offset=chain.offset)
            return
        if names[:3] == ("__torch__", "torch", "classes"):
            name = f"classes::{'.'.join(names[3:5])}"
            yield OperatorUse(name=name, text=text, offset=chain.offset)
            return
    for name in names if chain.attribute else names[1:]:
        if name in _METHODS:
            yield OperatorUse(name=f"aten::{name}", text=text, offset=chain.offset)


def walk_bytecode(subject: Subject, trace: Trace) -> Analysis:
    """Yield what a table of operators names that does more than compute."""
    uses = (
        OperatorUse(name=text, text=text, offset=None)
        for text in _texts(trace.result)
        if "::" in text
    )
    yield from judge_operators(subject, uses)


def _texts(root: Value) -> Iterator[str]:
    """Yield the strings within *root*, a value of tuples, lists and dictionaries."""
    waiting: list[Value] = [root]
    seen: set[int] = set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, TupleNode | ListNode | DictNode) and id(value) not in seen:
            seen.add(id(value))
            if isinstance(value, DictNode):
                for pair in value.pairs():
                    waiting.extend(pair)
            else:
                waiting.extend(value.items)
