"""
Test results: that something was tested, and how it came out; our scans are attested so.

Nobody is asked to believe one in the place of a test: that is what summaries are for.

Source: in-toto Attestation Framework, predicate `test-result`, version 0.1.
"""

from collections.abc import Sequence
from typing import Final

from weighbridge.core.attestation import Artifact, Outcome, ResultOfTests
from weighbridge.core.limits.claims import MAX_STATEMENT_RESOURCES
from weighbridge.formats.json import JsonValue
from weighbridge.provenance.fields import Fields, JsonObject, optional_texts
from weighbridge.provenance.resources import read_resources, render_resource
from weighbridge.provenance.statement import check_written, render_statement

TEST_RESULT_V01: Final = "https://in-toto.io/attestation/test-result/v0.1"
"""The predicate's type."""


def read_test_result(predicate: Fields, /) -> ResultOfTests:
    """
    Return the result that *predicate* describes.

    Raises:
        ClaimError: It does not follow the format.
        LimitExceededError: It is beyond a bound.
    """
    word = predicate.text("result")
    try:
        outcome = Outcome(word)
    except ValueError as error:
        raise predicate.error(
            "the result is none", expected=", ".join(Outcome), found=repr(word[:40])
        ) from error
    return ResultOfTests(
        outcome=outcome,
        configuration=read_resources(predicate, "configuration"),
        failed=optional_texts(predicate, "failedTests", limit=MAX_STATEMENT_RESOURCES),
        warned=optional_texts(predicate, "warnedTests", limit=MAX_STATEMENT_RESOURCES),
        passed=optional_texts(predicate, "passedTests", limit=MAX_STATEMENT_RESOURCES),
    )


def render_test_result(result: ResultOfTests, /, *, artifacts: Sequence[Artifact]) -> bytes:
    """
    Return the statement that *artifacts* were tested with *result*: bytes to sign.

    Raises:
        UsageError: The result or what it is about cannot be written so that it is read the same.
    """
    configuration: list[JsonValue] = [render_resource(each) for each in result.configuration]
    predicate: JsonObject = {"result": str(result.outcome), "configuration": configuration}
    for name, tests in (
        ("failedTests", result.failed),
        ("warnedTests", result.warned),
        ("passedTests", result.passed),
    ):
        listed: list[JsonValue] = [*tests]
        predicate[name] = listed
    check_written(predicate, result, read_test_result)
    return render_statement(
        artifacts=artifacts, predicate_type=TEST_RESULT_V01, predicate=predicate
    )
