"""Test results: written as they are read, and nothing else is one."""

import json
from typing import Any

import pytest

from weighbridge.core.attestation import Artifact, Binding, Outcome, Resource, ResultOfTests
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.errors import ClaimError
from weighbridge.provenance.reading import read_claim
from weighbridge.provenance.test_result import render_test_result

ARTIFACT = Artifact(
    name="model",
    binding=Binding(
        root=Digest(HashAlgorithm.SHA256, b"\1" * 32),
        names=Digest(HashAlgorithm.SHA256, b"\2" * 32),
    ),
)
RESULT = ResultOfTests(
    outcome=Outcome.FAILED,
    configuration=(Resource(name="weighbridge", uri="pkg:pypi/weighbridge@1"),),
    failed=("pickle-dangerous-call", "scan-timeout"),
    warned=("json-repeated-key",),
)


def changed(**predicate: object) -> bytes:
    """Return the statement with these members of its predicate; None takes one out."""
    document: dict[str, Any] = json.loads(render_test_result(RESULT, artifacts=[ARTIFACT]))
    for name, value in predicate.items():
        document["predicate"][name] = value
        if value is None:
            del document["predicate"][name]
    return json.dumps(document).encode()


def test_what_is_written_is_read() -> None:
    """A result survives being signed, with what it is about."""
    claim = read_claim(render_test_result(RESULT, artifacts=[ARTIFACT]), where="line")
    assert claim.artifacts == (ARTIFACT,)
    assert claim.content == RESULT


@pytest.mark.parametrize("result", ["passed", "", "PASSED ", 1, None])
def test_another_result_is_none(result: object) -> None:
    """There are three, in capitals."""
    with pytest.raises(ClaimError):
        read_claim(changed(result=result), where="line")


@pytest.mark.parametrize("tests", ["a", [1], {"a": 1}])
def test_names_of_tests_are_texts(tests: object) -> None:
    """A list of texts, or nothing."""
    with pytest.raises(ClaimError):
        read_claim(changed(failedTests=tests), where="line")
    assert read_claim(changed(failedTests=[]), where="line").content != RESULT
