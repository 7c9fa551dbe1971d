"""Rule `tflite-custom-operator`."""

import pytest

from support.protobuf import tf_node
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, rules_of
from support.tflite import Fields, Number, code, flex_options, operator, tflite
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity

RULE = "tflite-custom-operator"


def test_vector() -> None:
    """An operator defined as one that writes is found, whatever it is called."""
    assert_vector_holds(RULE)


def found(data: bytes) -> list[Finding]:
    """Return what is found in *data*."""
    return findings_of(RULE, examined(data, format=FileFormat.TFLITE))


@pytest.mark.parametrize(
    ("which", "severity"),
    [
        (code(0), None),
        (code(150), None),
        (code(32, "TFLite_Detection_PostProcess"), None),
        (code(32, "Anything"), Severity.MEDIUM),
        (code(32), Severity.MEDIUM),
        (code(0, "Anything", old=32), Severity.MEDIUM),
        (code(32, "Anything", old=127), Severity.MEDIUM),
        (code(0, "Anything"), None),
    ],
)
def test_codes(which: Fields, severity: Severity | None) -> None:
    """Custom operators are found, whether old or new runtimes take them for such."""
    assert [f.severity for f in found(tflite(which))] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("name", "defined", "severity"),
    [
        ("FlexErf", "Erf", None),
        ("FlexReadFile", "ReadFile", Severity.HIGH),
        ("FlexWriteFile", "Erf", Severity.CRITICAL),
        ("FlexErf", "PyFunc", Severity.CRITICAL),
        ("FlexErf", "RestoreV2", Severity.HIGH),
        ("FlexErf", "Mystery", Severity.MEDIUM),
    ],
)
def test_operators_of_tensorflow(name: str, defined: str, severity: Severity | None) -> None:
    """Both the name and the definition of an operator of TensorFlow count."""
    use = operator(options=flex_options("Erf", tf_node(defined)))
    severities = [f.severity for f in found(tflite(code(32, name), operators=(use,)))]
    assert severities == ([severity] if severity else [])


@pytest.mark.parametrize(
    "options", [b"", b"\0\0", b"Erf", flex_options("Erf", tf_node("Erf"))[:-1], b"\x0f" * 40]
)
def test_definitions_that_cannot_be_read(options: bytes) -> None:
    """An operator of TensorFlow whose definition is something else is found."""
    (finding,) = found(tflite(code(32, "FlexErf"), operators=(operator(options=options),)))
    assert finding.severity is Severity.HIGH


def test_definition_with_two_operators() -> None:
    """Each of two operators in one definition counts, and so does one behind odd bytes."""
    both = tf_node("Erf") + b"\x12\x09WriteFile"
    group = tf_node("Erf") + b"\x0b"
    assert found(
        tflite(code(32, "FlexErf"), operators=(operator(options=flex_options("Erf", both)),))
    )
    assert found(
        tflite(code(32, "FlexErf"), operators=(operator(options=flex_options("Erf", group)),))
    )


def test_definition_behind_the_model() -> None:
    """A definition that lies outside of the flatbuffer is read where the node says it is."""
    model = bytearray(tflite(code(32, "FlexErf"), operators=(FAR,)))
    options = flex_options("Erf", tf_node("WriteFile"))
    at = model.index((2**40 + 1).to_bytes(8, "little"))
    model[at : at + 8] = len(model).to_bytes(8, "little")
    size_at = model.index((2**40 + 2).to_bytes(8, "little"))
    model[size_at : size_at + 8] = len(options).to_bytes(8, "little")
    assert {f.severity for f in found(bytes(model) + options)} == {Severity.CRITICAL}
    assert "scan-malformed" in rules_of(
        examined(bytes(model) + options[:-1], format=FileFormat.TFLITE)
    )


FAR: Fields = {0: Number(0), 9: Number(2**40 + 1, 8), 10: Number(2**40 + 2, 8)}
