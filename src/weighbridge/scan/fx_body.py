"""
The body of a function that `torch.fx` prints: whether its statements do nothing but compute.

The code generator of `torch.fx` (`CodeGen._gen_python_code` in torch/fx/graph.py) prints one
statement for each node of a graph, and never nests one computation within another::

    name = self.block.layer(other, flag = True)    a call of a module
    name = self.block.weight                       a parameter or buffer
    name = torch.relu(other)                       a call of a function
    name = other.view(-1, 4)                       a call of a method
    name = other.shape                             an attribute
    name = left + right                            an operator
    other = left = None                            values that are not needed any more
    return name

Only these are admitted. What is executed while a module is unpickled computes with stand-ins
(`torch.fx.Proxy`), which record what is done to them. So each computation has to be of a stand-in,
too: one of constants would really be made, however large.
"""

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final

from weighbridge.core.limits.pickles import MAX_GRAPH_LITERAL_CHARS
from weighbridge.scan.allowlist import Kind, find_entry
from weighbridge.scan.fx_names import ATTRIBUTES, FUNCTIONS, IMPORTED, METHODS


class Reached(StrEnum):
    """What a module has under a path of names."""

    MODULE = "module"
    PARAMETER = "parameter"
    BUFFER = "buffer"


Reach = Callable[[tuple[str, ...]], Reached | None]
"""Returns what the module has under a path; None for nothing that is known."""


class RefusedError(Exception):
    """
    A line of the source does something else than to compute.

    Attributes:
        line: Number of the line, from 1.
        why: What it does, as the end of a sentence.
    """

    def __init__(self, node: ast.stmt | ast.expr | ast.arg | ast.keyword, why: str) -> None:
        super().__init__(why)
        self.line = node.lineno
        self.why = why


RESERVED: Final = frozenset(
    {
        "Ellipsis",
        "NoneType",
        "device",
        "forward",
        "fx_pytree",
        "getattr",
        "inf",
        "nan",
        "pytree",
        "self",
        "slice",
        "torch",
        "type",
    }
)
"""Names that mean something already, which no value may take."""

_NUMBERS: Final = frozenset({"inf", "nan"})
_MAX_INTEGER: Final = 1 << 63
_TEXT: Final = re.compile(r"[ !$%&(-\[\]-~]*")
"""Printable characters, without quotes and escapes, and without the sign of a comment."""

_DEVICE: Final = re.compile(r"[a-z]{1,16}(?::[0-9]{1,3})?")
_OPERATORS: Final = (
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.FloorDiv,
    ast.Mod,
    ast.MatMult,
    ast.Pow,
    ast.LShift,
    ast.RShift,
    ast.BitAnd,
    ast.BitOr,
    ast.BitXor,
)
_COMPARISONS: Final = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_SIGNS: Final = (ast.USub, ast.UAdd)


class Computation:
    """Follows the values of one function through its statements."""

    def __init__(
        self, *, arguments: Iterable[str], imported: Mapping[str, str], reach: Reach
    ) -> None:
        self._imported = imported
        self._reach = reach
        self._values = dict.fromkeys(arguments, True)
        """Every value by name, and whether it is a stand-in."""

    def check(self, body: list[ast.stmt]) -> None:
        """
        Go through the statements in *body*.

        Raises:
            RefusedError: One of them may do something else than to compute.
        """
        for statement in body[:-1]:
            self._check_assignment(statement)
        match body[-1]:
            case ast.Return(value=ast.expr() as value):
                self._hold(value)
            case other:
                raise RefusedError(other, "the last line does not return a value")

    def _check_assignment(self, statement: ast.stmt) -> None:
        """Admit a value for one name, or None for several."""
        match statement:
            case ast.Assign(targets=targets, value=ast.Constant(value=None)):
                for target in targets:
                    self._values.pop(self._name(target), None)
            case ast.Assign(targets=[target], value=value):
                self._assign(target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value, simple=1):
                # The annotation of a local name is never evaluated (PEP 526).
                self._assign(target, value)
            case _:
                raise RefusedError(statement, "it is no assignment of one value to a name")

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        """Give the name *target* the *value*."""
        name = self._name(target)
        self._values[name] = self._compute(value)

    def _name(self, target: ast.expr) -> str:
        """Return the name of an assignment's *target*."""
        if not isinstance(target, ast.Name):
            raise RefusedError(target, "it assigns to something other than a name")
        if target.id in RESERVED or target.id in self._imported or is_dunder(target.id):
            raise RefusedError(target, f"it gives the name {target.id} another meaning")
        return target.id

    def _compute(self, node: ast.expr) -> bool:
        """Admit one computation; tell whether its result is a stand-in."""
        path = path_of(node)
        if path is not None:
            return self._read(node, path)
        match node:
            case ast.Call():
                return self._call(node)
            case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _OPERATORS):
                return self._operate(node, left, right)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if isinstance(
                op, _COMPARISONS
            ):
                return self._need_stand_in(node, [left, right])
            case ast.UnaryOp(
                op=ast.USub() | ast.UAdd() | ast.Invert(), operand=ast.Name() as value
            ):
                return self._need_stand_in(node, [value])
            case ast.Subscript(value=ast.Name() as value, slice=index):
                self._hold(index)
                return self._need_stand_in(node, [value])
            case ast.Attribute(value=ast.Name() as value, attr=attr) if attr in ATTRIBUTES:
                return self._need_stand_in(node, [value])
            case ast.Attribute():
                raise RefusedError(node, f"{shown(node)} is no listed attribute of a tensor")
            case ast.Name():
                return self._hold(node)
            case _:
                raise RefusedError(node, "it is no computation that torch.fx prints")

    def _operate(self, node: ast.expr, left: ast.expr, right: ast.expr) -> bool:
        """Admit an operator, of which neither side is a text: that would be formatted."""
        if any(isinstance(s, ast.Constant) and isinstance(s.value, str) for s in (left, right)):
            raise RefusedError(node, "it formats a text")
        return self._need_stand_in(node, [left, right])

    def _read(self, node: ast.expr, path: tuple[str, ...]) -> bool:
        """Admit a parameter or a buffer of the module; reading a parameter gives a stand-in."""
        reached = self._reach(path) if path else None
        if reached is None or reached is Reached.MODULE:
            raise RefusedError(
                node, f"self.{'.'.join(path)} is no parameter or buffer that the file holds"
            )
        return reached is Reached.PARAMETER

    def _call(self, node: ast.Call) -> bool:
        """Admit the call of a module, of a listed function or of a listed method."""
        function = node.func
        path = path_of(function)
        if path is not None:
            if not path or self._reach(path) is not Reached.MODULE:
                raise RefusedError(
                    node, f"self.{'.'.join(path)} is no module that the file holds, and is called"
                )
            self._arguments(node)
            return True
        match function:
            case ast.Attribute(value=ast.Name(id=name) as value, attr=method) if (
                name in self._values
            ):
                if method not in METHODS:
                    raise RefusedError(node, f"{method} is no listed method of tensors")
                return self._need_stand_in(node, [value], arguments=node)
            case ast.Name(id=name) if self._imported.get(name) in IMPORTED:
                return self._need_stand_in(node, arguments=node)
            case _:
                name = shown(function)
                if name not in FUNCTIONS:
                    raise RefusedError(node, f"it calls {name}, which is no listed function")
                return self._need_stand_in(node, arguments=node)

    def _need_stand_in(
        self, node: ast.expr, values: Iterable[ast.expr] = (), *, arguments: ast.Call | None = None
    ) -> bool:
        """Admit a computation with *values* and *arguments*, of which one is a stand-in."""
        found = self._hold_all(values)
        if arguments is not None:
            found = self._arguments(arguments) or found
        if not found:
            raise RefusedError(node, "it computes with constants only, while the file is loaded")
        return True

    def _arguments(self, call: ast.Call) -> bool:
        """Admit the arguments of *call*; tell whether there is a stand-in among them."""
        found = self._hold_all(call.args)
        for keyword in call.keywords:
            if keyword.arg is None or is_dunder(keyword.arg):
                raise RefusedError(keyword, "its keyword arguments are not written out")
            nothing = isinstance(keyword.value, ast.Constant) and keyword.value.value is None
            if keyword.arg == "out" and not nothing:
                raise RefusedError(keyword, "it writes its result into another value")
            found = self._hold(keyword.value) or found
        return found

    def _hold(self, node: ast.expr) -> bool:
        """Admit a value, or a container of values; tell whether there is a stand-in in it."""
        match node:
            case ast.Name(id=name) if name in self._values:
                return self._values[name]
            case ast.Tuple(elts=items) | ast.List(elts=items):
                return self._hold_all(items)
            case ast.Dict(keys=keys, values=values):
                for key in keys:
                    if not isinstance(key, ast.Constant):
                        raise RefusedError(node, "the key of a dict is no constant")
                    check_constant(key)
                return self._hold_all(values)
            case ast.Call(func=ast.Name(id="slice"), args=[_, _, _] as items, keywords=[]):
                return self._hold_all(items)
            case _:
                self._check_plain(node)
                return False

    def _hold_all(self, nodes: Iterable[ast.expr]) -> bool:
        """Admit several values, every one of them; tell whether there is a stand-in in them."""
        found = [self._hold(node) for node in nodes]
        return any(found)

    def _check_plain(self, node: ast.expr) -> None:
        """Admit a constant, a device, a size, or a type of elements."""
        match node:
            case ast.Call(func=ast.Name(id="device"), args=[], keywords=keywords):
                check_device(node, keywords)
            case ast.Call(func=function, args=[ast.List(elts=items)], keywords=[]) if (
                dotted(function) == "torch.Size"
            ):
                for item in items:
                    check_constant(item)
            case ast.Attribute():
                entry = find_entry(dotted(node) or "")
                if entry is None or entry.kind is not Kind.CONSTANT:
                    raise RefusedError(node, f"{shown(node)} is no listed constant")
            case _:
                check_constant(node)


def check_constant(node: ast.expr) -> None:
    """
    Admit a number, a short text, None, True, False, or Ellipsis.

    Raises:
        RefusedError: It is something else.
    """
    match node:
        case ast.Name(id="Ellipsis" | "inf" | "nan"):
            return
        case ast.UnaryOp(op=op, operand=operand) if isinstance(op, _SIGNS):
            if _is_number(operand):
                return
        case ast.Constant(value=str() as text):
            if len(text) <= MAX_GRAPH_LITERAL_CHARS and _TEXT.fullmatch(text):
                return
        case ast.Constant(value=int() as number) if abs(number) < _MAX_INTEGER:
            return
        case ast.Constant(value=value) if value in {None, ...} or isinstance(value, float):
            return
        case _:
            pass
    raise RefusedError(node, f"{shown(node)} is no plain value")


def _is_number(node: ast.expr) -> bool:
    """Tell whether *node* is a number, which may have a sign."""
    if isinstance(node, ast.Name):
        return node.id in _NUMBERS
    return isinstance(node, ast.Constant) and type(node.value) in {int, float}


def check_device(node: ast.expr, keywords: list[ast.keyword]) -> None:
    """
    Admit the keywords of `device(type='cuda', index=0)`.

    Raises:
        RefusedError: They are something else.
    """
    for keyword in keywords:
        match keyword:
            case ast.keyword(arg="type", value=ast.Constant(value=str() as text)) if (
                _DEVICE.fullmatch(text)
            ):
                continue
            case ast.keyword(arg="index", value=ast.Constant(value=int())):
                continue
            case _:
                raise RefusedError(node, "it is no device that torch.fx prints")


def path_of(node: ast.expr) -> tuple[str, ...] | None:
    """Return the names behind `self` in `self.a.b` or `getattr(self.a, "0")`; None for others."""
    names: list[str] = []
    while True:
        match node:
            case ast.Name(id="self"):
                return tuple(reversed(names))
            case ast.Attribute(value=value, attr=name):
                pass
            case ast.Call(
                func=ast.Name(id="getattr"),
                args=[value, ast.Constant(value=str() as name)],
                keywords=[],
            ):
                pass
            case _:
                return None
        names.append(name)
        node = value


def dotted(node: ast.expr) -> str | None:
    """Return `torch.a.b` where *node* is that; None for others."""
    found = shown(node)
    return found if found.startswith("torch.") else None


def shown(node: ast.expr) -> str:
    """Return *node* for people: `a.b.c`, a name, or what stands for anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if isinstance(node, ast.Constant):
        return repr(node.value)[:MAX_GRAPH_LITERAL_CHARS]
    names.append(node.id if isinstance(node, ast.Name) else "(...)")
    return ".".join(reversed(names))


def is_dunder(name: str) -> bool:
    """Tell whether *name* is one that Python itself looks up, or is mangled in classes."""
    return name.startswith("__")
