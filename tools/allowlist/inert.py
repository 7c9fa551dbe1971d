"""
Tells from its source that a hook only stores, compares or combines what its object has.

A hook that calls nothing but what is listed here needs no reading. What `CALLS` names neither
opens, runs, imports nor connects, whatever it is given.
"""

import ast
from functools import cache
from typing import Final

CALLS: Final = frozenset(
    [
        "isinstance",
        "issubclass",
        "type",
        "hash",
        "tuple",
        "list",
        "dict",
        "set",
        "frozenset",
        "len",
        "zip",
        "sorted",
        "all",
        "any",
        "range",
        "id",
        "repr",
        "str",
        "int",
        "float",
        "bool",
        "bytes",
        "min",
        "max",
        "sum",
        "abs",
        "enumerate",
        "reversed",
        "callable",
        "vars",
        "map",
        "filter",
        "hasattr",
        "getattr",
        "setattr",
        "delattr",
        "super",
        "property",
        "object",
        "iter",
        "next",
        "slice",
        "print",
        "AttributeError",
        "TypeError",
        "ValueError",
        "KeyError",
        "IndexError",
        "RuntimeError",
        "NotImplementedError",
        "DeprecationWarning",
        "AssertionError",
        "RecursionError",
        "UserWarning",
        "FutureWarning",
        "fields",
        "warn",
        "warns",
        "warning",
        "debug",
        "info",
        "deprecated",
        "items",
        "keys",
        "values",
        "update",
        "get",
        "pop",
        "copy",
        "setdefault",
        "append",
        "extend",
        "add",
        "insert",
        "clear",
        "remove",
        "discard",
        "join",
        "format",
        "startswith",
        "endswith",
        "lower",
        "upper",
        "split",
        "strip",
        "replace",
        "count",
        "index",
        "OrderedDict",
        "defaultdict",
        "deque",
        "Counter",
        "WeakValueDictionary",
        "WeakKeyDictionary",
        "WeakSet",
        "ref",
        "partial",
        "deepcopy",
        "namedtuple",
        "astuple",
        "asdict",
        "__new__",
        "__setstate__",
        "__init__",
        "__setattr__",
        "__getattr__",
        "__getattribute__",
        "__delattr__",
        "__hash__",
        "__eq__",
        "__setitem__",
        "__getitem__",
        "__dir__",
        "__reduce__",
        "__getstate__",
        "array_equal",
        "allclose",
        "equals",
        "equal",
        "isnan",
        "asarray",
        "array",
        "ascontiguousarray",
        "_missing_",
        "parse",
        "parse_version",
        "version",
        "Version",
    ]
)
"""Last parts of the names of functions and methods."""


@cache
def why_not_inert(source: str) -> str | None:
    """Return the first call in *source* that is not known to be harmless, or None."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return "unread"
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if not isinstance(node, ast.Call):
            continue
        name = (
            node.func.attr
            if isinstance(node.func, ast.Attribute)
            else getattr(node.func, "id", "?")
        )
        if name == "setattr" and isinstance(node.func, ast.Name) and not _targets_self(node):
            return "setattr"
        if name not in CALLS:
            return str(name)
    return None


def _targets_self(call: ast.Call) -> bool:
    """Tell whether setattr changes the object itself or something of it."""
    root = call.args[0]
    while isinstance(root, ast.Attribute | ast.Subscript):
        root = root.value
    return isinstance(root, ast.Name) and root.id in {"self", "obj", "instance", "new", "result"}
