"""
Symbolic values: what a pickle stream builds, with nothing imported and nothing called.

Constants are Python's own. Everything that has an identity (it can be memoised, shared and
changed later) is a node. Nodes are compared by identity and can form shared, cyclic and
exponentially large structures: whoever walks them keeps a set of visited nodes, keeps a
stack of their own instead of recursing, and never expands a node twice.

Containers are logs: what a stream put in stays in, also where a later item with the same key
hides it from the program that unpickles.
"""

from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from typing import TypeAlias

COMPUTED = "<computed>"
"""Stands for the part of a global's name that only the running program would know."""


class CallKind(StrEnum):
    """Which opcode makes the call, since they differ in what they accept."""

    REDUCE = "reduce"
    NEWOBJ = "newobj"
    NEWOBJ_EX = "newobj_ex"
    INST = "inst"
    OBJ = "obj"


class ListNode:
    """
    A list.

    Attributes:
        items: What was put in.
    """

    __slots__ = ("_given", "items")

    def __init__(self, items: "list[Value]") -> None:
        self.items = items
        self._given: int | None = None

    @property
    def given(self) -> int:
        """How many items it had when it was first part of a state; all, if it never was."""
        return len(self.items) if self._given is None else self._given

    def give(self) -> None:
        """Note that it becomes part of a state: whoever gets that sees what is there now."""
        if self._given is None:
            self._given = len(self.items)


class TupleNode:
    """A tuple."""

    __slots__ = ("items",)

    def __init__(self, items: "tuple[Value, ...]") -> None:
        self.items = items


class DictNode:
    """
    A dict, as the log of its assignments.

    Attributes:
        flat: key, value, key, value ... in the order of assignment; the last value of equal
            keys is the one that a program would see.
    """

    __slots__ = ("flat",)

    def __init__(self, flat: "list[Value]") -> None:
        self.flat = flat

    def pairs(self) -> "Iterator[tuple[Value, Value]]":
        """Yield every assignment in order, those that are overwritten later included."""
        return zip(islice(self.flat, 0, None, 2), islice(self.flat, 1, None, 2), strict=False)


class SetNode:
    """A set or a frozenset."""

    __slots__ = ("frozen", "items")

    def __init__(self, items: "list[Value]", *, frozen: bool) -> None:
        self.items = items
        self.frozen = frozen


class ByteArrayNode:
    """
    A bytearray.

    Attributes:
        data: Its bytes, and those that were appended.
        patched: Whether bytes of it were replaced, which is not done to `data`.
    """

    __slots__ = ("data", "patched")

    def __init__(self, data: bytearray) -> None:
        self.data = data
        self.patched = False


class GlobalNode:
    """
    A reference to a name in a module: the import happens when the stream gets here.

    Attributes:
        module: As the unpickler imports it, Python 2 names already translated.
        name: Attribute path within the module; dots traverse. `COMPUTED` when not constant.
        computed: Whether module or name came out of a call, a persistent id or another global.
        offset: Of the opcode.
        spelled: `module.name` as the stream has it where translation changed it, else None.
        operands: The stack values that module and name come from, when computed.
    """

    __slots__ = ("computed", "module", "name", "offset", "operands", "spelled")

    def __init__(
        self,
        module: str,
        name: str,
        *,
        offset: int,
        spelled: str | None = None,
        operands: "tuple[Value, Value] | None" = None,
    ) -> None:
        self.module = module
        self.name = name
        self.computed = operands is not None
        self.offset = offset
        self.spelled = spelled
        self.operands = operands

    @property
    def dotted(self) -> str:
        """`module.name`."""
        return f"{self.module}.{self.name}"


class CallNode:
    """
    The result of a call, and what the stream does to it afterwards.

    Attributes:
        kind: The opcode.
        callable: What is called; for the newobj kinds the class whose `__new__` is called.
        args: A `TupleNode`, except where the stream computes its arguments.
        kwargs: Keyword arguments of newobj_ex.
        offset: Of the opcode.
        states: Arguments of BUILD (`__setstate__`, `__dict__.update` or setattr), in order.
        appended: Arguments of APPEND, APPENDS and ADDITEMS.
        assigned: key, value, key, value ... of SETITEM and SETITEMS.
        content: Bytes behind the call that its framework reads, where whoever walks has seen them.
    """

    __slots__ = (
        "appended",
        "args",
        "assigned",
        "callable",
        "content",
        "kind",
        "kwargs",
        "offset",
        "states",
    )

    def __init__(
        self,
        kind: CallKind,
        callable: "Value",  # noqa: A002  the pickle vocabulary's word
        args: "Value",
        offset: int,
        kwargs: "Value" = None,
    ) -> None:
        self.kind = kind
        self.callable = callable
        self.args = args
        self.kwargs = kwargs
        self.offset = offset
        self.states: list[Value] = []
        self.appended: list[Value] = []
        self.assigned: list[Value] = []
        self.content: memoryview | None = None

    @property
    def positional(self) -> "tuple[Value, ...] | None":
        """The arguments, or None where only the running program would know them."""
        return self.args.items if isinstance(self.args, TupleNode) else None

    @property
    def target(self) -> str | None:
        """`module.name` of the callable where that is a constant reference, else None."""
        called = self.callable
        if isinstance(called, GlobalNode) and not called.computed:
            return f"{called.module}.{called.name}"
        return None

    def pairs(self) -> "Iterator[tuple[Value, Value]]":
        """Yield what SETITEM and SETITEMS assigned, in order."""
        flat = self.assigned
        return zip(islice(flat, 0, None, 2), islice(flat, 1, None, 2), strict=False)


class PersistentNode:
    """What `persistent_load(pid)` of the unpickling program returns."""

    __slots__ = ("offset", "pid")

    def __init__(self, pid: "Value", offset: int) -> None:
        self.pid = pid
        self.offset = offset


class ExtensionNode:
    """Whatever the unpickling program registered in `copyreg` under a number."""

    __slots__ = ("code", "offset")

    def __init__(self, code: int, offset: int) -> None:
        self.code = code
        self.offset = offset


class BufferNode:
    """An out-of-band buffer, or a read-only view of `base`."""

    __slots__ = ("base", "offset")

    def __init__(self, base: "Value", offset: int) -> None:
        self.base = base
        self.offset = offset


Constant: TypeAlias = bool | int | float | str | bytes | None
"""Values without identity; subclasses never occur."""

Container: TypeAlias = ListNode | TupleNode | DictNode | SetNode | ByteArrayNode
"""Values that the unpickler itself makes; building and filling them runs no foreign code."""

Opaque: TypeAlias = GlobalNode | CallNode | PersistentNode | ExtensionNode | BufferNode
"""Values that only the unpickling program knows: they can be of any type."""

Node: TypeAlias = Container | Opaque
"""Values with identity."""

Value: TypeAlias = Constant | Node
"""Anything on the machine's stack."""

OPAQUE_TYPES = (GlobalNode, CallNode, PersistentNode, ExtensionNode, BufferNode)
"""The classes of `Opaque`, for isinstance."""


def children(node: Node) -> "Iterator[Value]":
    """Yield what *node* holds or was made from, one level deep and in order."""
    if isinstance(node, ListNode | TupleNode | SetNode):
        yield from node.items
    elif isinstance(node, DictNode):
        yield from node.flat
    elif isinstance(node, CallNode):
        yield node.callable
        yield node.args
        yield node.kwargs
        yield from node.states
        yield from node.appended
        yield from node.assigned
    elif isinstance(node, GlobalNode):
        yield from node.operands or ()
    elif isinstance(node, PersistentNode):
        yield node.pid
    elif isinstance(node, BufferNode):
        yield node.base
