"""Text for people is frozen whole; vectors hold what it looks like."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from support.claim_lists import listed_claims, unreadable_claims
from support.policies import inventory_of
from support.records import (
    VECTORS,
    Claim,
    Look,
    allowed_verdict,
    busy_inspection,
    clean_report,
    consulted_report,
    denied_verdict,
    empty_report,
    empty_verdict,
    folders_report,
    key_signature,
    many_reasons_verdict,
    plain_inspection,
    scan_report,
    signature,
    two_signatures,
    unclear_verdict,
    unsigned_verdict,
)
from weighbridge.core.errors import one_line
from weighbridge.core.evidence import Severity
from weighbridge.record.style import COLOUR, PLAIN, Style, counted, readable_size, shown
from weighbridge.record.text_claims import claims_text
from weighbridge.record.text_inspection import inspection_text
from weighbridge.record.text_scan import scan_text, scans_text
from weighbridge.record.text_signature import signature_text
from weighbridge.record.text_verdict import verdict_text
from weighbridge.sandbox.interface import Confinement, Measure

CASES: dict[str, Callable[[], str]] = {
    "verdict-allow": lambda: verdict_text(allowed_verdict()),
    "verdict-deny": lambda: verdict_text(denied_verdict()),
    "verdict-unclear": lambda: verdict_text(unclear_verdict()),
    "verdict-empty": lambda: verdict_text(empty_verdict()),
    "verdict-unsigned": lambda: verdict_text(unsigned_verdict()),
    "verdict-many": lambda: verdict_text(many_reasons_verdict()),
    "verdict-colour": lambda: verdict_text(denied_verdict(), style=COLOUR),
    "signature-certificate": lambda: signature_text(signature()),
    "signature-key": lambda: signature_text(key_signature()),
    "signature-several": lambda: signature_text(two_signatures()),
    "scan-findings": lambda: scan_text(
        scan_report(),
        bar=Severity.MEDIUM,
        advice={"pickle-dangerous-global": "Do not load it.", "other": "Never shown."},
    ),
    "scan-consulted": lambda: scan_text(consulted_report(), bar=Severity.MEDIUM),
    "scan-folders": lambda: scan_text(folders_report(), bar=Severity.LOW),
    "scan-several": lambda: scans_text(
        [clean_report(), empty_report(), clean_report()], bar=Severity.LOW
    ),
    "scan-low": lambda: scan_text(scan_report(), bar=Severity.LOW, style=COLOUR),
    "scan-clean": lambda: scan_text(clean_report(), bar=Severity.LOW),
    "scan-empty": lambda: scan_text(empty_report(), bar=Severity.LOW),
    "inspection-busy": lambda: inspection_text(busy_inspection()),
    "inspection-plain": lambda: inspection_text(plain_inspection()),
    "claims-verified": lambda: claims_text(listed_claims()),
    "claims-listed": lambda: claims_text(listed_claims(verified=False)),
    "claims-unreadable": lambda: claims_text(unreadable_claims()),
}


@pytest.mark.parametrize("name", CASES)
def test_snapshot(name: str) -> None:
    """The whole text is as it was last reviewed."""
    expected = (VECTORS / "record" / f"{name}.txt").read_text("utf-8")
    assert CASES[name]() == expected


@pytest.mark.parametrize("name", [name for name in CASES if "colour" not in name])
def test_untrusted_text_cannot_act(name: str) -> None:
    """Without colour no text has a control character but the ends of its own lines."""
    text = CASES[name]()
    for sequence in (COLOUR.good, COLOUR.bad, COLOUR.unclear, COLOUR.strong, COLOUR.faint):
        text = text.replace(sequence, "")
    text = text.replace(COLOUR.reset, "")
    assert all(line.isprintable() for line in text.split("\n"))
    assert text.endswith("\n")


@pytest.mark.parametrize(
    ("confinement", "said"),
    [
        (None, ""),
        (Confinement(enforced=frozenset(Measure)), ""),
        (Confinement(enforced=frozenset()), "Examined without confinement"),
        (Confinement(enforced=frozenset(Measure) - {Measure.FILES}), "refuses: files (refused)"),
    ],
)
def test_what_is_missing_of_the_confinement_is_said(
    confinement: Confinement | None, said: str
) -> None:
    """A scan says when its processes were confined less than usual, and is silent otherwise."""
    text = scan_text(replace(clean_report(), confinement=confinement), bar=Severity.LOW)
    assert ("Examined with" in text) == bool(said)
    assert said in text


def test_every_vector_is_used() -> None:
    """There is no vector that no case is compared with."""
    assert {path.stem for path in (VECTORS / "record").glob("*.txt")} == set(CASES)


def test_claim_without_a_subject() -> None:
    """A signature file that names no subject is shown without one, and no file as none."""
    look = Look(inventory=inventory_of(), signature=Claim(subject=None))
    assert "It claims a signature, method key, 2 files" in inspection_text(look)
    assert "No signature beside it" in inspection_text(Look(inventory=inventory_of()))


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (2**20, "1.0 MiB"),
        (3 * 2**30, "3.0 GiB"),
        (2**40, "1.0 TiB"),
        (2**52, "4096.0 TiB"),
    ],
)
def test_readable_size(size: int, text: str) -> None:
    """A size is shown in the largest unit in which it is at least one."""
    assert readable_size(size) == text


def test_style() -> None:
    """Colour is put around text only by a style that has it."""
    assert PLAIN.paint("x", PLAIN.bad) == "x"
    assert Style(bad="<", reset=">").paint("x", "<") == "<x>"


@pytest.mark.parametrize(
    ("text", "shown_as"),
    [("plain é", "plain é"), ("a\nb", "a\\nb"), ("\x1b[2J", "\\x1b[2J"), ("\u202e", "\\u202e")],
)
def test_one_line(text: str, shown_as: str) -> None:
    """Text stays on its line and keeps only what is printable."""
    assert one_line(text) == shown_as


def test_shown() -> None:
    """Twenty items are shown, and of more the rest is counted."""
    assert list(shown(["x"] * 20, noun="things")) == ["x"] * 20
    assert list(shown(["x"] * 23, noun="things"))[20:] == [
        "  ... and 3 more things; --format json lists all"
    ]


@pytest.mark.parametrize(("number", "text"), [(0, "0 files"), (1, "1 file"), (2, "2 files")])
def test_counted(number: int, text: str) -> None:
    """A noun has an s unless there is one thing."""
    assert counted(number, "file") == text
