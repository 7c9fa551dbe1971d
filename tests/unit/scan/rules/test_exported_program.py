"""Rule `exported-program`."""

import json
from typing import Any

import pytest

from support import pickles as p
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, rules_of
from support.zips import Part, build_zip, zip_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.core.evidence import Finding, Gap, Severity
from weighbridge.formats.sniff import sniff
from weighbridge.scan.analyzers import exported_program

RULE = "exported-program"
BENIGN = {
    "target": "torch.ops.aten.relu.default",
    "expr_str": "Mul(Integer(2), Symbol('s0', positive=True, integer=True))",
    "in_spec": '[1, {"type": "builtins.tuple", "context": "null", "children_spec": []}]',
}


def _archive(document: Any, **members: bytes) -> bytes:
    """Return an archive with one program."""
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    files = {"m/archive_format": b"pt2", "m/models/model.json": text}
    return zip_of(files | {f"m/{name}": data for name, data in members.items()})


def _evidence(document: Any, **members: bytes) -> tuple[Finding | Gap, ...]:
    """Return what the scan says of one program."""
    data = _archive(document, **members)
    return examined(data, format=sniff(BytesSource(data), name="m.pt2").format)


def test_vector() -> None:
    """A symbolic size that calls something is found, a symbol is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')",
        "Symbol.mro()",
        "(lambda: 1)()",
        "eval('1')",
        "Symbol('x y')",
        "[x for x in s]",
        "s0[0]",
        "f'{s0}'",
        "b'x'",
        "__builtins__",
        "Symbol('s0'",
        "Add(" * 300,
        "s0+" * 3000 + "s0",
        "(s0)()",
    ],
)
def test_sizes_that_are_evaluated(expression: str) -> None:
    """Whatever is more than arithmetic is a critical finding."""
    found = findings_of(RULE, _evidence(BENIGN | {"expr_str": expression}))
    assert [f.severity for f in found] == [Severity.CRITICAL]


@pytest.mark.parametrize(
    "target",
    [
        "torch.serialization.os.system",
        "torch.hub.load",
        "_operator.attrgetter",
        "math.__loader__",
        "os.system",
        "#extension:op",
        "torch.ops.aten.add.Tensor.__globals__",
    ],
)
def test_calls_of_other_functions(target: str) -> None:
    """A target that is no operator is found."""
    assert findings_of(RULE, _evidence(BENIGN | {"target": target}))


@pytest.mark.parametrize(
    "target",
    [
        "_operator.floordiv",
        "math.trunc",
        "torch.sym_max",
        "torch.ops.higher_order.cond",
        "torch._higher_order_ops.cond",
        "torch._higher_order_ops.while_loop.while_loop",
        "torch.ops.aten.add.Tensor",
    ],
)
def test_operators_are_clean(target: str) -> None:
    """Operators and arithmetic are neither found nor a gap."""
    assert not _evidence(BENIGN | {"target": target})


def test_operators_are_judged() -> None:
    """Operators that reach out are found by their own rule, and unknown ones are a gap."""
    harmful = _evidence(BENIGN | {"target": "torch.ops.aten.from_file.default"})
    assert "torchscript-operator" in rules_of(harmful)
    unknown = _evidence(BENIGN | {"target": "torch.ops.mine.custom.default"})
    assert rules_of(unknown) == {"scan-unsupported"}


@pytest.mark.parametrize(
    ("context", "bad"),
    [
        ('{"default_factory_module": "os", "default_factory_name": "system"}', True),
        ('{"__enum__": true, "fqn": "mine.module:Kind", "name": "A"}', True),
        ('{"__enum__": true, "\\u0066qn": "mine:Kind"}', True),
        ('{"default_factory_module": "builtins", "default_factory_name": "int"}', False),
        ('{"__enum__": true, "fqn": "torch.x:Kind", "name": "A"}', False),
    ],
)
def test_descriptions_of_containers(context: str, bad: bool) -> None:
    """A container whose description imports a module beyond torch's and Python's is found."""
    spec = json.dumps([1, {"type": "collections.defaultdict", "context": context}])
    assert bool(findings_of(RULE, _evidence({"deep": [BENIGN | {"in_spec": spec}]}))) == bad


@pytest.mark.parametrize(
    ("guard", "bad"),
    [
        ("3 == L['x'].size()[0]", False),
        ("Mod(L['x'].size()[0], 2) == 0 and L['y'][0].stride()[1] >= 1", False),
        ("max(L['x'].numel(), 1) < 2**31", False),
        ("__import__('os').system('true')", True),
        ("L['x'].data_ptr()", True),
        ("L['x'].size.__globals__", True),
        ("print(1)", True),
    ],
)
def test_guards(guard: str, bad: bool) -> None:
    """Conditions that do more than compare sizes are found."""
    assert bool(findings_of(RULE, _evidence({"guards_code": [guard]}))) == bad


def test_other_members() -> None:
    """Weights are told by their start, and everything else is examined."""
    numbers = _archive(BENIGN, **{"data/weights/weight_0": bytes(range(1, 250))})
    assert not examined(numbers, format=FileFormat.EXPORTED_PROGRAM)
    payload = p.stream(p.system())
    for name in ("data/weights/weight_0", "data/constants/opaque_obj_0", "extra/x"):
        found = _evidence(BENIGN, **{name: payload})
        assert "pickle-dangerous-global" in rules_of(found)
    library = _evidence(BENIGN, **{"data/aotinductor/model/a.so": b"\x7fELF" + bytes(60)})
    assert "native-code" in rules_of(library)


@pytest.mark.parametrize("text", [b"{", b"[" * 100 + b"]" * 100])
def test_programs_that_cannot_be_read_are_gaps(text: bytes) -> None:
    """A program that is no JSON, or too deep, is a gap."""
    assert rules_of(_evidence(text)) & {"scan-malformed", "scan-limit"}


def test_older_archives() -> None:
    """The archives of earlier versions have their program at the top."""
    text = json.dumps(BENIGN | {"expr_str": "print('x')"}).encode()
    data = zip_of({"version": b"5.1", "serialized_exported_program.json": text})
    assert sniff(BytesSource(data), name="m.pt2").format is FileFormat.EXPORTED_PROGRAM
    assert findings_of(RULE, examined(data, format=FileFormat.EXPORTED_PROGRAM))


def test_programs_that_nobody_reads_are_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is packed in an unknown way or too large is a gap."""
    other = {"method": 97}
    part = Part(name=b"m/models/a.json", data=b"{}", local=other, central=other)
    found = examined(build_zip([part]), format=FileFormat.EXPORTED_PROGRAM)
    assert "scan-malformed" in rules_of(found)
    monkeypatch.setattr(exported_program, "MAX_TEXT_BYTES", 9)
    assert rules_of(_evidence(BENIGN)) == {"scan-limit"}
