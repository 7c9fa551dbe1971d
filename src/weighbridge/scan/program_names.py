"""
What the texts of an exported program mean to torch.export.load (torch/_export/serde/serialize.py).

Targets are looked up attribute by attribute from `torch`, `operator` or `math`, so that a target
can reach any function that these modules can be walked to. Sizes that are symbols are handed to
sympy, which evaluates them as Python. Descriptions of containers import the classes they name.
"""

import ast
import re
import warnings
from typing import Final

from weighbridge.core.limits.documents import MAX_EXPRESSION_CHARS

_OPERATOR: Final = re.compile(r"torch\.ops\.(\w+)\.(\w+)(?:\.\w+)?")
_SYMBOLIC: Final = re.compile(r"torch\.(?:sym_\w+|_sym_\w+|functional\.sym_\w+)")
_HIGHER_ORDER: Final = re.compile(r"torch\._higher_order_ops\.(\w+)(?:\.(\w+))?")
_PLAIN: Final = re.compile(r"(?:_operator|math|builtins)\.(\w+)")
_COMPUTING: Final = frozenset(
    {
        "abs", "acos", "acosh", "add", "and_", "asin", "asinh", "atan", "atanh", "bool", "ceil",
        "cos", "cosh", "eq", "erf", "exp", "float", "floor", "floordiv", "ge", "getitem", "gt",
        "index", "int", "invert", "is_", "is_not", "le", "log", "log2", "lshift", "lt", "matmul",
        "max", "min", "mod", "mul", "ne", "neg", "not_", "or_", "pos", "pow", "round", "rshift",
        "sin", "sinh", "sqrt", "sub", "tan", "tanh", "truediv", "trunc", "truth", "xor",
    }
)  # fmt: skip
"""Functions of `operator`, `math` and Python that compute with numbers."""

_FUNCTIONS: Final = frozenset(
    {
        "Abs", "Add", "And", "CeilToInt", "CleanDiv", "Eq", "Equality", "Float", "FloatPow",
        "FloatTrueDiv", "FloorDiv", "FloorToInt", "Ge", "GreaterThan", "Gt", "Identity",
        "IntTrueDiv", "Integer", "IsNonOverlappingAndDenseIndicator", "LShift", "Le", "LessThan",
        "Lt", "Max", "Min", "Mod", "ModularIndexing", "Mul", "Ne", "Not", "Or", "Piecewise",
        "Pow", "PowByNatural", "PythonMod", "RShift", "Rational", "RoundDecimal", "RoundToInt",
        "StrictGreaterThan", "StrictLessThan", "Symbol", "ToFloat", "TruncToFloat", "TruncToInt",
        "Tuple", "Unequality", "Where", "ceiling", "cos", "exp", "floor", "log", "sin", "sqrt",
    }
)  # fmt: skip
"""What torch writes into symbolic sizes (torch/utils/_sympy/functions.py, sympy's printer)."""

_QUESTIONS: Final = frozenset({"dim", "numel", "size", "storage_offset", "stride"})
_COUNTING: Final = frozenset({"abs", "float", "int", "len", "max", "min"})
"""What conditions may ask of a tensor, and what they may make of the answer."""

_SYMBOL: Final = re.compile(r"[A-Za-z_]\w*")
_DECIMAL: Final = re.compile(r"[-+]?[\d.]+(?:e[-+]?\d+)?")
_IMPORTED: Final = re.compile(r'"(?:fqn|default_factory_module)"\s*:\s*"([^"]*)"')
_SAFE_MODULES: Final = frozenset({"builtins", "collections", "enum", "torch"})
_NODES: Final = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.keyword,
    ast.Name, ast.Constant, ast.Load, ast.Tuple, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip


def read_target(target: str) -> str | None:
    """
    Return the operator that *target* calls, `namespace::name`; empty for mere arithmetic.

    None for what is no operator: a target that reaches for something else.
    """
    found = _OPERATOR.fullmatch(target)
    if found:
        return f"{found[1]}::{found[2]}"
    found = _HIGHER_ORDER.fullmatch(target)
    if found:
        return f"higher_order::{found[2] or found[1]}"
    plain = _PLAIN.fullmatch(target)
    if _SYMBOLIC.fullmatch(target) or (plain and plain[1] in _COMPUTING):
        return ""
    return None


def is_arithmetic(expression: str) -> bool:
    """Tell whether a symbolic size is made of symbols, numbers and torch's functions only."""
    return all(_is_harmless(node) for node in _nodes(expression))


def is_guard(condition: str) -> bool:
    """
    Tell whether *condition* only compares sizes of the program's inputs.

    `ExportedProgram.module()` executes these conditions (torch/export/_unlift.py). The inputs
    are `L['name']`, with further subscripts.
    """
    return all(_is_harmless(node) or _is_harmless_guard(node) for node in _nodes(condition))


def _nodes(expression: str) -> tuple[ast.AST, ...]:
    """Return every node of *expression*; one that is never harmless where it does not parse."""
    if len(expression) > MAX_EXPRESSION_CHARS:
        return (ast.Pass(),)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return (ast.Pass(),)
    return tuple(ast.walk(tree))


def _is_harmless(node: ast.AST) -> bool:
    """Tell whether one node of an expression only computes."""
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return name in _FUNCTIONS
        case ast.Constant(value=str() as text):
            return bool(_SYMBOL.fullmatch(text) or _DECIMAL.fullmatch(text))
        case ast.Constant(value=value):
            return isinstance(value, bool | int | float | None)
        case ast.Name(id=name):
            return "__" not in name
        case ast.Call():
            return False
        case _:
            return isinstance(node, _NODES)


def _is_harmless_guard(node: ast.AST) -> bool:
    """Tell whether one node of a condition looks at an input."""
    match node:
        case ast.Call(func=ast.Attribute(attr=name)) | ast.Attribute(attr=name):
            return name in _QUESTIONS
        case ast.Call(func=ast.Name(id=name)):
            return name in _COUNTING
        case ast.Subscript() | ast.Constant(value=str()):
            return True
        case _:
            return False


def imported_modules(description: str) -> tuple[str, ...]:
    """
    Return the modules beyond Python's and torch's own that a container's description imports.

    Descriptions are JSON within JSON; escapes of letters, which no writer needs, count as one.
    """
    if "\\u" in description:
        return ("a name that is hidden by escapes",)
    plain = description.replace("\\", "")
    modules = (name.partition(":")[0] for name in _IMPORTED.findall(plain))
    return tuple(name for name in modules if name.partition(".")[0] not in _SAFE_MODULES)
