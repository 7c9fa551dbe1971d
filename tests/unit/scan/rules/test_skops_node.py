"""Rule `skops-node`."""

import json
from typing import Any

import pytest

from support import pickles as p
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, rules_of
from support.zips import Part, build_zip, zip_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Gap, Severity
from weighbridge.scan.analyzers import skops

RULE = "skops-node"


def _node(loader: str, name: str, **content: Any) -> dict[str, Any]:
    """Return one node of a tree."""
    module, _, kind = name.rpartition(".")
    return {"__loader__": loader, "__module__": module, "__class__": kind} | content


def _evidence(schema: Any, **members: bytes) -> tuple[Finding | Gap, ...]:
    """Return what the scan says of a skops file."""
    text = schema if isinstance(schema, bytes) else json.dumps(schema).encode()
    return examined(zip_of({"schema.json": text} | members), format=FileFormat.SKOPS)


def _method(name: str, inner: str, method: str) -> dict[str, Any]:
    """Return a node that takes a method of an object."""
    return _node("MethodNode", name, content={"obj": _node("ObjectNode", inner), "func": method})


def test_vector() -> None:
    """A call under another name is found, a list is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    ("node", "severity"),
    [
        (_node("OperatorFuncNode", "operator.call"), Severity.HIGH),
        (_node("OperatorFuncNode", "builtins.list"), Severity.HIGH),
        (_node("OperatorFuncNode", "operator.itemgetter"), Severity.MEDIUM),
        (_method("builtins.list", "builtins.list", "append"), Severity.MEDIUM),
        (_method("builtins.list", "builtins.str", "append"), Severity.HIGH),
        (_method("builtins.list", "builtins.list", "__class__"), Severity.HIGH),
        (_node("MethodNode", "builtins.list"), Severity.HIGH),
        (_node("FunctionNode", "os.system"), Severity.HIGH),
        (_node("FunctionNode", "mine.function"), Severity.MEDIUM),
        (_node("TypeNode", "mine.Type"), Severity.MEDIUM),
        (_node("TypeNode", "builtins.type"), Severity.HIGH),
        (_node("FunctionNode", "builtins.getattr"), Severity.HIGH),
        (_node("FunctionNode", "numpy.load"), Severity.HIGH),
    ],
)
def test_found(node: dict[str, Any], severity: Severity) -> None:
    """Functions, methods and types that nobody has listed are found at any depth."""
    tree = _node("ListNode", "builtins.list", content=[[{"x": node}]])
    assert severity in {f.severity for f in findings_of(RULE, _evidence(tree))}


@pytest.mark.parametrize(
    "node",
    [
        _node("JsonNode", "builtins.str", content="1"),
        _node("NdArrayNode", "numpy.ndarray", type="numpy", file="a.npy"),
        _node("FunctionNode", "numpy.log1p"),
        _node("FunctionNode", "scipy.special.expit"),
        {"any": "thing"},
    ],
)
def test_data_is_clean(node: dict[str, Any]) -> None:
    """Plain data, numbers and functions that compute are not found."""
    assert not _evidence(node)


def test_members_are_examined() -> None:
    """What lies beside the schema is examined."""
    found = _evidence({}, **{"1.npy": p.stream(p.system())})
    assert "pickle-dangerous-global" in rules_of(found)


@pytest.mark.parametrize("schema", [b"{", b"[" * 100 + b"]" * 100])
def test_schemas_that_cannot_be_read_are_gaps(schema: bytes) -> None:
    """A schema that is no JSON, or too deep, is a gap."""
    assert rules_of(_evidence(schema)) & {"scan-malformed", "scan-limit"}


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A schema beyond the bound is a gap, and so is one that nobody can open."""
    monkeypatch.setattr(skops, "MAX_TEXT_BYTES", 4)
    assert "scan-limit" in rules_of(_evidence({"a": "long text"}))
    other = {"method": 97}
    part = Part(name=b"schema.json", data=b"{}", local=other, central=other)
    assert "scan-malformed" in rules_of(examined(build_zip([part]), format=FileFormat.SKOPS))
