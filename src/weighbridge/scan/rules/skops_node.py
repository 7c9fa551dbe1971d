"""Rule `skops-node`: a skops file names functions, methods or types that nobody has listed."""

from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Severity
from weighbridge.scan.allowlist import Kind, find_entry
from weighbridge.scan.analyzers.skops import SkopsFacts, SkopsNode
from weighbridge.scan.denylist import find_effect
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.pickle_escapes import is_guarded

_BUILT_IN: Final = frozenset(
    f"builtins.{name}"
    for name in (
        "NoneType", "bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int",
        "list", "range", "set", "slice", "str", "tuple",
    )
)  # fmt: skip
_NUMBERS: Final = frozenset(
    f"numpy.{name}"
    for name in (
        "bool", "bool_", "complex128", "complex64", "datetime64", "dtype", "float16", "float32",
        "float64", "int16", "int32", "int64", "int8", "ma.MaskedArray", "ndarray", "str_",
        "timedelta64", "uint16", "uint32", "uint64", "uint8",
    )
)  # fmt: skip
_NUMPY_FUNCTIONS: Final = frozenset(
    {
        "abs", "absolute", "arccos", "arcsin", "arctan", "arctan2", "cbrt", "ceil", "cos", "cosh",
        "deg2rad", "degrees", "exp", "exp2", "expm1", "fabs", "floor", "log", "log10", "log1p",
        "log2", "logaddexp", "logical_not", "maximum", "minimum", "negative", "power", "rad2deg",
        "radians", "reciprocal", "rint", "sign", "sin", "sinh", "sqrt", "square", "tan", "tanh",
        "trunc",
    }
)  # fmt: skip
_SCIPY_FUNCTIONS: Final = frozenset(
    {"boxcox", "boxcox1p", "erf", "erfc", "expit", "gammaln", "inv_boxcox", "inv_boxcox1p",
     "log_expit", "logit", "ndtr", "ndtri", "xlog1py", "xlogy"}
)  # fmt: skip
_FUNCTIONS: Final = frozenset(
    {f"numpy.{name}" for name in _NUMPY_FUNCTIONS}
    | {f"scipy.special.{name}" for name in _SCIPY_FUNCTIONS}
    | {f"scipy.special._ufuncs.{name}" for name in _SCIPY_FUNCTIONS}
)
"""Functions that compute element by element."""

_GETTERS: Final = frozenset({"operator.attrgetter", "operator.itemgetter"})


class SkopsNodeRule(Rule[SkopsFacts]):
    """
    A skops file names functions, methods or types that nobody has listed.

    High where a node does something else than it names or where what it names is harmful;
    medium otherwise, since skops asks whether a type that it does not know is trusted.
    """

    id: ClassVar[str] = "skops-node"
    severity: ClassVar[Severity] = Severity.MEDIUM
    consumes: ClassVar[type[Facts]] = SkopsFacts

    def check(self, facts: SkopsFacts, /) -> Iterator[Match]:
        """Yield each kind of node that is not plain data."""
        for node in facts.nodes:
            match node.loader:
                case "OperatorFuncNode":
                    yield _judge_operator(node)
                case "MethodNode":
                    yield _judge_method(node)
                case _:
                    yield from _judge_name(node)


def _judge_operator(node: SkopsNode) -> Match:
    """Return what an operator node does: it calls any function of `operator`."""
    severity = None if node.name in _GETTERS else Severity.HIGH
    message = f"Loading calls {node.name} with what the file says."
    if not node.name.startswith("operator."):
        name = node.name.rpartition(".")[2]
        message = f"Loading calls operator.{name} under the name of {node.name}."
    return Match(message=message, evidence=(f"{node.loader}: {node.name}",), severity=severity)


def _judge_method(node: SkopsNode) -> Match:
    """Return what a method node does: it takes any attribute of an object."""
    differs = node.inner != node.name
    reaches = node.method.startswith("_")
    severity = Severity.HIGH if differs or reaches else None
    message = f"Loading takes the method {node.method} of a {node.inner or 'missing object'}"
    message += f", under the name of {node.name}." if differs else "."
    return Match(message=message, evidence=(f"{node.loader}: {node.name}",), severity=severity)


def _judge_name(node: SkopsNode) -> Iterator[Match]:
    """Yield what any other node names, unless it is listed."""
    if node.name in _BUILT_IN or node.name in _NUMBERS:
        return
    if node.loader == "FunctionNode" and node.name in _FUNCTIONS:
        return
    entry = find_entry(node.name)
    listed = entry is not None and entry.kind is Kind.CLASS and not is_guarded(node.name)
    if listed and node.loader != "FunctionNode":
        return
    module, _, name = node.name.rpartition(".")
    effect = find_effect(module, name)
    yield Match(
        message=f"Loading builds or takes {node.name}, which "
        + (f"{effect}." if effect else "is not on the allow-list."),
        evidence=(f"{node.loader}: {node.name}",),
        severity=Severity.HIGH if effect else None,
    )
