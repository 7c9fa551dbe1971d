"""Rule `keras-file-reference`."""

import pytest

from support.keras import examined_model, layer
from support.rule_vectors import assert_vector_holds, findings_of
from weighbridge.core.evidence import Severity

RULE = "keras-file-reference"


def test_vector() -> None:
    """A vocabulary that is a file is found, one that is a list is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    ("name", "key", "path", "severity"),
    [
        ("IntegerLookup", "vocabulary", "/etc/passwd", Severity.HIGH),
        ("TextVectorization", "vocabulary", "../../secrets", Severity.HIGH),
        ("TextVectorization", "idf_weights", "C:\\secrets", Severity.HIGH),
        ("StringLookup", "vocabulary", "vocabulary.txt", Severity.MEDIUM),
        ("IndexLookup", "vocabulary", "gs://bucket/x", Severity.HIGH),
        ("Dense", "anything", "file://host/x", Severity.HIGH),
    ],
)
def test_found(name: str, key: str, path: str, severity: Severity) -> None:
    """Files are found by their keys and addresses by their form; those outside are high."""
    found = findings_of(RULE, examined_model(layer(name, {key: path})))
    assert [f.severity for f in found] == [severity]


@pytest.mark.parametrize("value", [None, "", ["/etc/passwd"], 3])
def test_not_found(value: object) -> None:
    """A vocabulary in the configuration itself, or none, opens nothing."""
    assert not findings_of(RULE, examined_model(layer("StringLookup", {"vocabulary": value})))


def test_names_are_no_files() -> None:
    """A name with slashes and colons is no address."""
    assert examined_model(layer("Dense", {"name": "block/a:0 // b"})) == ()
