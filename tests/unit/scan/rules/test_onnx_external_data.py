"""Rule `onnx-external-data`."""

import pytest

from support.protobuf import external, graph, graph_attribute, model, node, tensor
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.core.evidence import Finding, Severity
from weighbridge.scan.examination import examine
from weighbridge.scan.interface import Subject

RULE = "onnx-external-data"


def test_vector() -> None:
    """Data outside the directory is found, data in a file beside the model is not."""
    assert_vector_holds(RULE)


def findings(data: bytes, *, size: int = 16) -> list[Finding]:
    """Return what is found in a model beside which lies `m/w.bin`."""
    subject = Subject(
        path="m/model.onnx",
        format=FileFormat.ONNX,
        source=BytesSource(data),
        siblings=frozenset({"m/model.onnx", "m/w.bin"}),
        sizes={"m/model.onnx": len(data), "m/w.bin": size},
    )
    return findings_of(RULE, examine(subject))


@pytest.mark.parametrize(
    "location",
    ["../w.bin", "a/../../w.bin", "/etc/passwd", "a\\..\\..\\w", "C:w", "file:///w", "~/w", "w\0b"],
)
def test_outside(location: str) -> None:
    """A path that leads out of the directory on any system is found (CVE-2022-25882)."""
    (found,) = findings(model(tensors=(tensor(2, 2, extra=external(location=location)),)))
    assert found.severity is Severity.HIGH


@pytest.mark.parametrize("location", ["w.bin", "./w.bin", "sub/../w.bin"])
def test_only_true_names_are_beside(location: str) -> None:
    """A name of a file beside the model passes; one that goes up on the way does not."""
    found = findings(model(tensors=(tensor(2, 2, extra=external(location=location)),)))
    assert bool(found) == (".." in location)


def test_missing_file() -> None:
    """A file that is no part of the artifact is found, at a lower severity."""
    (found,) = findings(model(tensors=(tensor(2, 2, extra=external(location="other.bin")),)))
    assert found.severity is Severity.MEDIUM


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ({"offset": "0", "length": "16"}, False),
        ({"offset": "4", "length": "16"}, True),
        ({"offset": "0", "length": "12"}, True),
        ({"offset": "-1", "length": "16"}, True),
        ({"offset": "0x0"}, True),
        ({"__class__": "x"}, True),
        ({"basepath": "/"}, True),
        ({"checksum": "0" * 40}, False),
    ],
)
def test_entries(entries: dict[str, str], found: bool) -> None:
    """Places outside the file and keys of no meaning are found (CVE-2026-34445)."""
    data = model(tensors=(tensor(2, 2, extra=external(location="w.bin", **entries)),))
    assert bool(findings(data)) == found


def test_in_a_subgraph() -> None:
    """A tensor in the body of a loop is looked at, too."""
    body = graph(tensors=(tensor(2, 2, extra=external(location="../w")),))
    assert findings(model(node("Loop", attributes=graph_attribute("body", body))))


def test_memory_address() -> None:
    """ONNX Runtime's mark for an address in its own memory is found."""
    mark = external(location="*/_ORT_MEM_ADDR_/*", offset="4096")
    assert findings(model(tensors=(tensor(2, 2, extra=mark),)))[0].severity is Severity.HIGH


def test_a_single_file_has_nothing_beside_it() -> None:
    """Data beside a model that is scanned alone was not examined, and is found."""
    data = model(tensors=(tensor(2, 2, extra=external(location="w.bin")),))
    assert findings_of(RULE, examined(data, format=FileFormat.ONNX, path="."))
