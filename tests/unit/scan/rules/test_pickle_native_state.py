"""Models that compiled parsers read are reported once a class, below the default bar."""

import pytest

from support import pickles as p
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity

XGBOOST = p.name("xgboost.core", "Booster")
LIGHTGBM = p.name("lightgbm.basic", "Booster")
STATE = p.dict_of(p.text("handle"), p.raw(b"model"))


def _found(data: bytes) -> list[Finding]:
    """Return the rule's findings about a raw pickle."""
    evidence = examined(data, format=FileFormat.PICKLE)
    return [e for e in evidence if isinstance(e, Finding) and e.rule == "pickle-native-state"]


BAD = {
    "xgboost": p.stream(p.new(XGBOOST), STATE, p.BUILD),
    "lightgbm": p.stream(p.new(LIGHTGBM), STATE, p.BUILD),
    "twice": p.stream(
        p.tuple_of(p.new(XGBOOST) + STATE + p.BUILD, p.new(XGBOOST) + STATE + p.BUILD)
    ),
    "reconstructed": p.stream(
        p.call(p.name("copyreg", "_reconstructor"), XGBOOST, p.name("builtins", "object"), p.NONE),
        STATE,
        p.BUILD,
    ),
}
GOOD = {
    "no-state": p.stream(p.new(XGBOOST)),
    "wrapper": p.stream(p.new(p.name("xgboost.sklearn", "XGBModel")), p.EMPTY_DICT, p.BUILD),
    "name-only": p.stream(XGBOOST),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_it_is_reported_once(data: bytes) -> None:
    """The stream has one finding of the rule, of low severity, with a place and the class."""
    (found,) = _found(data)
    assert found.severity is Severity.LOW
    assert found.offset is not None
    assert found.evidence[-1].endswith("Booster")


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_its_twin_is_not(data: bytes) -> None:
    """A booster without a model, or another class, has no finding of the rule."""
    assert not _found(data)
