"""
The source of a graph module of `torch.fx`, which unpickling it executes: whether it only computes.

`torch.fx.graph_module.reduce_graph_module` joins two texts of the pickle, imports and a function
`forward`, executes them with `exec`, and then runs `forward` with stand-ins for its arguments to
get its graph (`_forward_from_src`, `_deserialize_graph_module`; the same from torch 2.0 to 2.15).
So whatever is written there runs. Admitted are exactly the lines that `torch.fx` itself prints
(`_format_import_block`, `CodeGen._gen_python_code`): imports of what it imports, and a function of
which `fx_body` admits every statement. The text is plain ASCII without escapes, so that there is
no second spelling of a name, and nothing that releases of Python read differently.
"""

import ast
import re
import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from weighbridge.scan.fx_body import (
    RESERVED,
    Computation,
    Reach,
    RefusedError,
    check_constant,
    dotted,
    is_dunder,
    shown,
)
from weighbridge.scan.fx_names import IMPORTED, TORCH_TYPES, TYPES

_OTHER: Final = re.compile(r"[^\n\x20-\x22\x24-\x5b\x5d-\x7e]")
"""What torch.fx never prints: beyond ASCII, tabs, escapes, and comments."""

_SHOWN: Final = 160
"""Characters of a refused line that are shown."""

_MODULES: Final[Mapping[str, str | None]] = MappingProxyType(
    {"torch": None, "torch.fx._pytree": "fx_pytree", "torch.utils._pytree": "pytree"}
)
"""Modules that torch.fx always imports, and under which names."""

_FIXED: Final = frozenset({"builtins.getattr", "math.inf", "math.nan", "torch.device"})
"""What torch.fx imports under its own name."""

_WRAP: Final = "torch.fx._symbolic_trace.wrap"
_NOT_PRINTED: Final = "torch.fx prints no such line"


def refuse_source(source: str, reach: Reach) -> str | None:
    """
    Say which line of *source* may do something else than to compute, or None.

    *reach* tells what the module has under a path of names. The caller bounds the text's length.
    """
    other = _OTHER.search(source)
    if other is not None:
        return _describe(
            source,
            source.count("\n", 0, other.start()) + 1,
            f"it has the character {other[0]!a}",
        )
    try:
        with warnings.catch_warnings():
            # The source's own invalid literals and comparisons are no concern of ours.
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
        _Source(reach).check(tree)
    except RefusedError as refused:
        return _describe(source, refused.line, refused.why)
    except SyntaxError as error:
        return _describe(source, error.lineno or 1, "it does not parse")
    except (ValueError, RecursionError, MemoryError):
        return "its source cannot be parsed"
    return None


def _describe(source: str, line: int, why: str) -> str:
    """Return *why* with the line of *source* that it is about."""
    lines = source.split("\n")
    text = lines[line - 1].strip() if line <= len(lines) else ""
    return f"line {line} of the source that it runs, {text[:_SHOWN]!r}: {why}"


class _Source:
    """Goes through the statements of a source; keeps what it has imported."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._imported: dict[str, str] = {}

    def check(self, tree: ast.Module) -> None:
        """
        Admit imports, and behind them one function.

        Raises:
            RefusedError: There is something else.
        """
        for statement in tree.body[:-1]:
            self._check_preparation(statement)
        match tree.body[-1:]:
            case [ast.FunctionDef() as function]:
                self._check_function(function)
            case [other]:
                raise RefusedError(other, "the last statement is not the function forward")
            case _:
                raise SyntaxError

    def _check_preparation(self, statement: ast.stmt) -> None:
        """Admit an import, the name of None's type, or the note that a function is wrapped."""
        match statement:
            case ast.Import(names=[ast.alias(name=name, asname=alias)]):
                if name in _MODULES and _MODULES[name] == alias:
                    return
            case ast.ImportFrom(
                module=str() as module, names=[ast.alias(name=name, asname=alias)], level=0
            ):
                self._check_import(statement, f"{module}.{name}", alias)
                return
            case ast.Assign(
                targets=[ast.Name(id="NoneType")],
                value=ast.Call(
                    func=ast.Name(id="type"), args=[ast.Constant(value=None)], keywords=[]
                ),
            ):
                return
            case ast.Expr(
                value=ast.Call(func=function, args=[ast.Constant(value=str() as name)], keywords=[])
            ) if dotted(function) == _WRAP and self._imported.get(name) in IMPORTED:
                return
            case _:
                pass
        raise RefusedError(statement, _NOT_PRINTED)

    def _check_import(self, statement: ast.stmt, name: str, alias: str | None) -> None:
        """Admit the import of *name* under the name that torch.fx gives it."""
        own = name.rpartition(".")[2]
        if name in _FIXED and alias in {None, own}:
            return
        if name not in IMPORTED | TYPES or alias is None:
            raise RefusedError(statement, f"it imports {name}, which is not listed")
        hint = own if name.startswith("builtins.") else name.replace(".", "_")
        if alias not in {hint, own} and not re.fullmatch(rf"{hint}_[0-9]{{1,4}}", alias):
            raise RefusedError(statement, f"it imports {name} under another name")
        if alias in RESERVED:
            raise RefusedError(statement, f"it gives the name {alias} another meaning")
        self._imported[alias] = name

    def _check_function(self, function: ast.FunctionDef) -> None:
        """Admit the function `forward`: arguments, annotations, defaults and body."""
        if function.name != "forward":
            raise RefusedError(function, "the function is not called forward")
        if function.decorator_list:
            raise RefusedError(function.decorator_list[0], "the function is decorated")
        if getattr(function, "type_params", []):  # Python 3.12 has these
            raise RefusedError(function, "the function has type parameters")
        names = self._arguments(function)
        if function.returns is not None:
            self._check_annotation(function.returns)
        computation = Computation(arguments=names, imported=self._imported, reach=self._reach)
        computation.check(function.body)

    def _arguments(self, function: ast.FunctionDef) -> list[str]:
        """Admit the arguments of *function*, and return their names but the first, self."""
        given = function.args
        for default in (*given.defaults, *given.kw_defaults):
            if default is not None:
                _check_default(default)
        if given.posonlyargs or given.kwonlyargs:
            raise RefusedError(function, "it has arguments that torch.fx does not print")
        if not given.args or given.args[0].arg != "self" or given.args[0].annotation is not None:
            raise RefusedError(function, "its first argument is not self")
        others = [*given.args[1:], given.vararg, given.kwarg]
        return [self._argument(each) for each in others if each is not None]

    def _argument(self, argument: ast.arg) -> str:
        """Admit one argument, and return its name."""
        name = argument.arg
        if name in RESERVED or name in self._imported or is_dunder(name):
            raise RefusedError(argument, f"it gives the name {name} another meaning")
        if argument.annotation is not None:
            self._check_annotation(argument.annotation)
        return name

    def _check_annotation(self, node: ast.expr) -> None:
        """Admit a type, as `typing_Optional[torch.Tensor]`: annotations are executed."""
        match node:
            case ast.Name(id="NoneType" | "device") | ast.Constant(value=None):
                return
            case ast.Name(id=name) if self._imported.get(name) in TYPES:
                return
            case ast.Attribute() if dotted(node) in TORCH_TYPES:
                return
            case ast.Subscript(value=ast.Name() as generic, slice=inner):
                self._check_annotation(generic)
                items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                for item in items:
                    if not (isinstance(item, ast.Constant) and item.value is ...):
                        self._check_annotation(item)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                self._check_annotation(left)
                self._check_annotation(right)
            case _:
                raise RefusedError(node, f"{shown(node)} is no listed type")


def _check_default(node: ast.expr) -> None:
    """Admit the default of an argument: a constant, or a tuple of constants."""
    for item in node.elts if isinstance(node, ast.Tuple) else [node]:
        check_constant(item)
