"""What a scene expects of a verdict, and how it shows it."""

import io
import re

import pytest

from weighbridge.core.codes import Code
from weighbridge.core.errors import UsageError
from weighbridge.core.evidence import Severity
from weighbridge.core.verdict import Decision, PolicyReference, Reason, Verdict
from weighbridge.demo.console import Console
from weighbridge.demo.scene import (
    Expected,
    UnexpectedError,
    describe,
    expect_allow,
    expect_denial,
    explain,
    say,
    show_verdict,
)

BAD_DIGEST = Expected(code=Code.DIGEST_MISMATCH, path="a")


def _reason(code: str, path: str | None, decision: Decision, message: str = "why") -> Reason:
    return Reason(code=code, severity=Severity.HIGH, path=path, message=message, decision=decision)


def _verdict(decision: Decision, *reasons: Reason) -> Verdict:
    return Verdict(
        decision=decision,
        artifact=None,
        policy=PolicyReference(path=None, sha256="0" * 64, rule=None),
        boundary="load",
        reasons=reasons,
        signers=(),
        provenance=(),
        covered=("a", "b"),
        uncovered=(),
    )


DENIED = _verdict(Decision.DENY, _reason("digest-mismatch", "a", Decision.DENY))


def test_the_expected_denial_is_accepted() -> None:
    """A deny with the expected code about the expected file passes, other reasons beside it or not."""
    expect_denial(DENIED, BAD_DIGEST)
    expect_denial(
        _verdict(Decision.DENY, _reason("x", None, Decision.DENY), *DENIED.reasons), BAD_DIGEST
    )


@pytest.mark.parametrize(
    "verdict",
    [
        _verdict(Decision.ALLOW, _reason("digest-mismatch", "a", Decision.ALLOW)),
        _verdict(Decision.INDETERMINATE, _reason("digest-mismatch", "a", Decision.INDETERMINATE)),
        _verdict(Decision.DENY, _reason("digest-mismatch", "b", Decision.DENY)),
        _verdict(Decision.DENY, _reason("file-missing", "a", Decision.DENY)),
        _verdict(
            Decision.DENY,
            _reason("digest-mismatch", "a", Decision.ALLOW),
            _reason("x", None, Decision.DENY),
        ),
        _verdict(Decision.DENY),
    ],
    ids=["allow", "indeterminate", "other-file", "other-code", "only-noted", "no-reason"],
)
def test_any_other_outcome_is_unexpected(verdict: Verdict) -> None:
    """Another decision, another file, another code or a reason that does not block is refused."""
    with pytest.raises(UnexpectedError, match="expected deny with digest-mismatch about a"):
        expect_denial(verdict, BAD_DIGEST)


def test_every_expected_reason_is_needed() -> None:
    """With one of two expected reasons the denial is unexpected, and the missing one is named."""
    with pytest.raises(UnexpectedError, match="expected deny with x about the model, found deny"):
        expect_denial(DENIED, BAD_DIGEST, Expected(code="x", path=None))


def test_only_allow_is_allow() -> None:
    """Allow passes where allow is expected; deny and indeterminate do not."""
    expect_allow(_verdict(Decision.ALLOW))
    for decision in (Decision.DENY, Decision.INDETERMINATE):
        with pytest.raises(UnexpectedError, match=f"expected allow, found {decision}"):
            expect_allow(_verdict(decision))


def test_a_description_names_blocking_codes_once() -> None:
    """Codes that led to the decision are listed, sorted and without repetition."""
    reasons = (
        _reason("b", "f", Decision.DENY, "one"),
        _reason("b", "f", Decision.DENY, "two"),
        _reason("a", None, Decision.DENY),
        _reason("noted", None, Decision.ALLOW),
    )
    assert describe(_verdict(Decision.DENY, *reasons)) == "deny with a about the model, b about f"


def test_an_error_is_explained_with_its_code() -> None:
    """What a scene let through is told apart from what it did not expect."""
    assert explain(UnexpectedError("expected a, found b")) == "expected a, found b"
    assert explain(UsageError("wrong use")) == "expected no error, found wrong use [usage]"


def test_three_reasons_are_shown_and_the_rest_counted() -> None:
    """Five reasons against give three, aligned under the decision, and the number of the others."""
    stream = io.StringIO()
    reasons = [_reason(f"code-{n}", f"file-{n}", Decision.DENY) for n in range(5)]
    show_verdict(Console(stream=stream), _verdict(Decision.DENY, *reasons))
    assert stream.getvalue() == (
        "    DENY     file-0: why [code-0]\n"
        "             file-1: why [code-1]\n"
        "             file-2: why [code-2]\n"
        "             and 2 more\n"
    )


def test_the_reason_that_a_scene_is_about_comes_first() -> None:
    """Reasons named as first are shown before the others, which keep their order."""
    stream = io.StringIO()
    reasons = [_reason(f"code-{n}", "a", Decision.DENY) for n in range(3)]
    first = [Expected(code="code-2", path="a"), Expected(code="code-1", path="b")]
    show_verdict(Console(stream=stream), _verdict(Decision.DENY, *reasons), first=first)
    assert re.findall(r"code-\d", stream.getvalue()) == ["code-2", "code-0", "code-1"]


def test_an_allow_is_shown_with_its_basis() -> None:
    """An allowing verdict says which rule allows it and how many files are covered."""
    stream = io.StringIO()
    allowed = _reason(Code.ALLOWED, None, Decision.ALLOW, "rule 1 allows it")
    noted = _reason("noted", "a", Decision.ALLOW)
    show_verdict(Console(stream=stream), _verdict(Decision.ALLOW, noted, allowed))
    assert stream.getvalue() == (
        "    ALLOW    rule 1 allows it [allowed]\n             2 files covered, 0 not\n"
    )


def test_untrusted_text_in_reasons_is_escaped() -> None:
    """A file name with a control character cannot steer the terminal."""
    stream = io.StringIO()
    reason = _reason("code", "a\x1b[2Jb", Decision.DENY)
    show_verdict(Console(stream=stream, colour=True), _verdict(Decision.DENY, reason))
    assert "\x1b[2J" not in stream.getvalue()
    assert "a\\x1b[2Jb" in stream.getvalue()


def test_long_text_is_wrapped_and_indented() -> None:
    """No line of told text is longer than 96 columns, and each starts at the fifth."""
    stream = io.StringIO()
    say(Console(stream=stream), "word " * 60)
    lines = stream.getvalue().splitlines()
    assert len(lines) > 1
    assert all(len(line) <= 96 and line.startswith("    word") for line in lines)
