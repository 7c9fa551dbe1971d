"""Rule `torchserve-handler`."""

import json
from typing import Any

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, rules_of
from support.zips import Part, build_zip, zip_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Gap, Severity

RULE = "torchserve-handler"


def _evidence(manifest: Any, **members: bytes) -> tuple[Finding | Gap, ...]:
    """Return what the scan says of a model archive."""
    text = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    files = {"MAR-INF/MANIFEST.json": text} | members
    return examined(zip_of(files), format=FileFormat.TORCHSERVE)


def test_vector() -> None:
    """A handler of the archive's own is found, one of the server's is not."""
    assert_vector_holds(RULE)


def test_model_file_and_requirements() -> None:
    """A model file is found as gravely as a handler, packages to install less so."""
    model = {"handler": "image_classifier", "modelFile": "m.py", "requirementsFile": "r.txt"}
    found = findings_of(RULE, _evidence({"model": model}))
    assert [f.severity for f in found] == [Severity.HIGH, Severity.MEDIUM]


@pytest.mark.parametrize("manifest", [b"{", {"model": []}, [], b"[" * 100 + b"]" * 100])
def test_manifests_that_cannot_be_read_are_gaps(manifest: Any) -> None:
    """A manifest that names no model is a gap."""
    assert rules_of(_evidence(manifest)) & {"scan-malformed", "scan-limit"}


def test_the_handler_is_examined() -> None:
    """The handler's source is read like any other."""
    source = b"import os\nos.system('true')\n"
    found = _evidence({"model": {"handler": "handler.py"}}, **{"handler.py": source})
    assert {RULE, "python-dangerous-call"} <= rules_of(found)


def test_a_manifest_that_nobody_reads_is_a_gap() -> None:
    """A manifest that is packed in an unknown way is a gap."""
    other = {"method": 97}
    part = Part(name=b"MAR-INF/MANIFEST.json", data=b"{}", local=other, central=other)
    assert "scan-malformed" in rules_of(examined(build_zip([part]), format=FileFormat.TORCHSERVE))
