"""A verified signature for people: who signed, what it covers, and what lies outside."""

from collections.abc import Iterable, Iterator

from weighbridge.core.errors import one_line
from weighbridge.core.evidence import SignatureEvidence, Uncovered
from weighbridge.core.identity import (
    CertificateIdentity,
    KeyIdentity,
    SigstoreIdentity,
    VerifiedIdentity,
)
from weighbridge.record.style import PLAIN, Style, shown


def signature_text(evidence: SignatureEvidence, *, style: Style = PLAIN) -> str:
    """Return a verified signature for people; every file outside is named."""
    covered, outside = len(evidence.covered), len(evidence.uncovered)
    lines = [
        f"{style.paint('VERIFIED', style.good)}  {one_line(evidence.subject.text)}",
        _row("signed by", one_line(evidence.identity.label)),
        *_identity_rows(evidence.identity),
        _row("signature", one_line(evidence.signature_path)),
        _row("root digest", str(evidence.root)),
        _row("files", f"{covered} covered by the signature, {outside} not"),
        *_outside(evidence.uncovered),
    ]
    return "\n".join(lines) + "\n"


def _outside(uncovered: Iterable[Uncovered]) -> Iterator[str]:
    lines = (f"    {one_line(item.path)}: {one_line(item.reason)}" for item in uncovered)
    return shown(lines, noun="files outside")


def _row(label: str, value: str) -> str:
    return f"  {label:<13}{value}"


def _identity_rows(identity: VerifiedIdentity) -> Iterator[str]:
    match identity:
        case KeyIdentity():
            yield _row("curve", one_line(identity.curve))
        case CertificateIdentity():
            if not identity.expected:
                yield _row("identity", "any subject of the roots was accepted; nobody was expected")
            yield _row("subject", one_line(identity.subject))
            yield _row("issuer", one_line(identity.issuer))
            yield _row("valid", f"{identity.not_before:%Y-%m-%d} to {identity.not_after:%Y-%m-%d}")
        case SigstoreIdentity():
            yield _row("identity", one_line(identity.name))
            yield _row("issuer", one_line(identity.issuer))
            for name, value in identity.claims:
                yield _row("claim", f"{one_line(name)} {one_line(value)}")
            yield _row("log", f"{identity.log_id[:16]} entry {identity.log_index}")
