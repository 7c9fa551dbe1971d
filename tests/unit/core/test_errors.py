"""What errors say."""

from dataclasses import replace

import pytest

from support.holding import make_verdict
from weighbridge.core.errors import PolicyDeniedError
from weighbridge.core.evidence import Severity
from weighbridge.core.verdict import Decision, Reason


@pytest.mark.parametrize(
    ("path", "named", "said"),
    [
        (".", True, ": m.pt: no"),
        (".", False, ": no"),
        ("a/b", True, ": a/b: no"),
        (None, True, ": no"),
    ],
)
def test_a_model_of_one_file_is_told_by_its_name(path: str | None, named: bool, said: str) -> None:
    """A verdict's first reasons name the files as people do, who never call one `.`."""
    reason = Reason(
        code="format-refused",
        severity=Severity.HIGH,
        path=path,
        message="no",
        decision=Decision.DENY,
    )
    verdict = make_verdict(decision=Decision.DENY, name="m.pt", named=named)
    error = PolicyDeniedError(replace(verdict, reasons=(reason,)))
    assert str(error) == f"the policy denies this artifact{said} [policy-denied]"
