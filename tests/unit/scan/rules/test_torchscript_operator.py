"""Rule `torchscript-operator`."""

import pytest

from support import pickles as p
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, rules_of
from support.zips import zip_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Confidence, Finding, Gap

RULE = "torchscript-operator"


def _evidence(code: str, *, bytecode: bytes | None = None) -> tuple[Finding | Gap, ...]:
    """Return what the scan says of a program with *code*, and with a table of operators."""
    members = {
        "m/data.pkl": p.stream(p.EMPTY_DICT),
        "m/constants.pkl": p.stream(p.EMPTY_LIST),
        "m/code/__torch__.py": code.encode(),
    }
    if bytecode is not None:
        members["m/bytecode.pkl"] = bytecode
    return examined(zip_of(members, deflate=True), format=FileFormat.TORCHSCRIPT)


def test_vector() -> None:
    """A program that writes a file is found, one that computes is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    "code",
    [
        'torch.save(x, "f")',
        'torch . \n save(x, "f")',
        'torch.# comment\nsave(x, "f")',
        'ops.aten.save(x, "f")',
        'ops.aten.save.default(x, "f")',
        'x.save("f")',
        '(x).save("f")',
        'self.x.save("f")',
        'torch.from_file("/etc/hostname", False, 4, dtype=0)',
        "ops.c10d.send([x], g, 0, 0)",
        'ops.image.read_file("f")',
        "x : __torch__.torch.classes.dist_c10d.TCPStore",
        '"""\n""" + torch.save(x, "f")',
    ],
)
def test_found(code: str) -> None:
    """However an operator that reaches out is written, it is found."""
    assert findings_of(RULE, _evidence(code))


@pytest.mark.parametrize(
    "code",
    [
        "t = torch\nt.add(x, 1)",
        'getattr(torch, "sa" "ve")(x, "f")',
        "n = ops.aten",
        "f(ops)",
    ],
)
def test_a_namespace_that_is_handed_on(code: str) -> None:
    """A namespace that is taken for a value is found: operators are reached through it."""
    found = findings_of(RULE, _evidence(code))
    assert [f.confidence for f in found] == [Confidence.MEDIUM]


@pytest.mark.parametrize(
    "code",
    [
        "y = torch.add(x, 1.)",
        '_0 = "torch.save"',
        "# torch.save(x)",
        "ops.prim.RaiseException(_0, 'builtins.ValueError')",
        "torch.device('cpu')",
        "y = ops.torchvision.nms(b, s, 0.5)",
        "p : __torch__.torch.classes.quantized.LinearPackedParamsBase",
        "y = (self.saved).forward(x)",
        "return torch.relu(x)\n",
        "1 torch.relu",
    ],
)
def test_what_computes_is_clean(code: str) -> None:
    """Operators that compute, strings and comments are neither found nor a gap."""
    assert not _evidence(code)


@pytest.mark.parametrize(
    "code", ["torch.unheard_of(x)", "ops.mine.custom(x)", "x: __torch__.torch.classes.a.B"]
)
def test_unknown_operators_are_a_gap(code: str) -> None:
    """An operator that no list has is a gap."""
    assert rules_of(_evidence(code)) == {"scan-unsupported"}


def test_many_unknown_operators_are_counted() -> None:
    """A gap names some operators and counts the others."""
    (gap,) = _evidence("\n".join(f"ops.mine.f{n}(x)" for n in range(30)))
    assert isinstance(gap, Gap)
    assert "and 10 more" in gap.reason


@pytest.mark.parametrize("code", ['"never ends', "'never ends\n'"])
def test_code_that_cannot_be_cut_is_a_gap(code: str) -> None:
    """Source with a string that does not end is a gap."""
    assert "scan-malformed" in rules_of(_evidence(code))


def test_tables_of_operators() -> None:
    """The operators of a program for phones are judged, too."""
    bad = p.tuple_of(p.text("operators"), p.list_of(p.tuple_of(p.text("aten::save"), p.text(""))))
    good = p.tuple_of(p.text("operators"), p.dict_of(p.text("aten::add"), p.text("Tensor")))
    assert findings_of(RULE, _evidence("", bytecode=p.stream(bad)))
    assert not _evidence("", bytecode=p.stream(good))
