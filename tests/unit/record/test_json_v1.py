"""JSON documents are frozen; vectors hold what they look like."""

import json
from collections.abc import Callable

import pytest

from support.claim_lists import listed_claims, unreadable_claims
from support.converting import confined_less
from support.policies import DIGESTS
from support.records import (
    VECTORS,
    Claim,
    allowed_verdict,
    busy_inspection,
    consulted_report,
    denied_verdict,
    key_signature,
    plain_inspection,
    scan_report,
    signature,
    two_signatures,
    unclear_verdict,
)
from weighbridge.core.evidence import Severity
from weighbridge.record.converted import converted_document
from weighbridge.record.json_claims import claims_document
from weighbridge.record.json_v1 import (
    Document,
    digest_document,
    inspection_document,
    render_json,
    scan_document,
    signature_document,
    verdict_document,
)

CASES: dict[str, Callable[[], Document]] = {
    "verdict-allow": lambda: verdict_document(allowed_verdict()),
    "verdict-deny": lambda: verdict_document(denied_verdict()),
    "verdict-unclear": lambda: verdict_document(unclear_verdict()),
    "signature-certificate": lambda: signature_document(signature()),
    "signature-key": lambda: signature_document(key_signature()),
    "signature-several": lambda: signature_document(two_signatures()),
    "scan-findings": lambda: scan_document(scan_report(), bar=Severity.MEDIUM),
    "scan-consulted": lambda: scan_document(consulted_report(), bar=Severity.MEDIUM),
    "inspection-busy": lambda: inspection_document(busy_inspection()),
    "inspection-plain": lambda: inspection_document(plain_inspection()),
    "digest": lambda: digest_document(DIGESTS),
    "claims-verified": lambda: claims_document(listed_claims()),
    "claims-listed": lambda: claims_document(listed_claims(verified=False)),
    "converted": lambda: converted_document(confined_less()),
    "claims-unreadable": lambda: claims_document(unreadable_claims()),
}


@pytest.mark.parametrize("name", CASES)
def test_snapshot(name: str) -> None:
    """The whole document is as it was last reviewed."""
    expected = (VECTORS / "record" / f"{name}.json").read_text("utf-8")
    assert render_json(CASES[name]()) == expected


def test_every_vector_is_used() -> None:
    """There is no vector that no case is compared with."""
    assert {path.stem for path in (VECTORS / "record").glob("*.json")} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_output_is_ascii_json(name: str) -> None:
    """What is written is ASCII, ends with a newline, and reads back as the document."""
    document = CASES[name]()
    for one_line in (False, True):
        text = render_json(document, one_line=one_line)
        assert text.isascii()
        assert text.endswith("\n")
        assert json.loads(text) == document
    assert render_json(document, one_line=True).count("\n") == 1


def test_members_of_the_contract() -> None:
    """The documents have every member that the command line's contract names."""
    verdict = verdict_document(denied_verdict())
    assert verdict["schema"] == "weighbridge.verdict/v1"
    assert set(verdict) >= {
        "schema", "decision", "artifact", "policy", "boundary", "reasons", "signers",
        "provenance", "uncovered",
    }  # fmt: skip
    reasons = verdict["reasons"]
    assert isinstance(reasons, list)
    assert isinstance(reasons[0], dict)
    assert set(reasons[0]) >= {"code", "severity", "path", "message"}
    scan = scan_document(scan_report(), bar=Severity.LOW)
    assert scan["schema"] == "weighbridge.scan/v1"
    assert set(scan) >= {"schema", "artifact", "verdict", "files", "findings", "gaps"}
    findings = scan["findings"]
    assert isinstance(findings, list)
    assert isinstance(findings[0], dict)
    assert set(findings[0]) >= {
        "rule", "severity", "path", "member", "offset", "message", "evidence",
    }  # fmt: skip


def test_claim_that_cannot_be_read() -> None:
    """A signature file that cannot be read has neither method nor subject."""
    look = plain_inspection()
    document = inspection_document(
        type(look)(inventory=look.inventory, signature=Claim(method=None, subject=None))
    )
    claim = document["claimed_signature"]
    assert isinstance(claim, dict)
    assert (claim["method"], claim["subject"]) == (None, None)
    bare = inspection_document(type(look)(inventory=look.inventory))
    assert bare["claimed_signature"] is None
