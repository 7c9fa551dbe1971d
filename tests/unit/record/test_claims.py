"""Tests of lists of claims as JSON and for people, beside their snapshots."""

from pathlib import Path

from support.claim_lists import listed_claims, unreadable_claims
from weighbridge.core.codes import Code
from weighbridge.record.json_claims import appended_document
from weighbridge.record.text_claims import appended_text


def test_what_counts_for_nothing_is_counted() -> None:
    """Every gap of the file and of its lines is among what is broken."""
    assert [gap.code for gap in listed_claims().broken] == [
        Code.CLAIM_UNTRUSTED,
        Code.CLAIM_UNKNOWN,
        Code.CLAIM_MALFORMED,
    ]
    assert len(unreadable_claims().broken) == 1


def test_what_was_appended() -> None:
    """How many claims are new, and how many were there."""
    place = Path("m.claims.jsonl")
    assert appended_text(place, given=3, new=1) == (
        "appended 1 claim, 2 there already: m.claims.jsonl\n"
    )
    assert appended_text(place, given=2, new=2) == "appended 2 claims: m.claims.jsonl\n"
    assert appended_document(place, given=3, new=1) == {
        "schema": "weighbridge.appended-claims/v1",
        "path": "m.claims.jsonl",
        "given": 3,
        "new": 1,
    }
