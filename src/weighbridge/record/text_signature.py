"""A verification for people: who signed and when, what it covers, and what lies outside."""

from collections.abc import Iterable, Iterator

from weighbridge.core.errors import one_line
from weighbridge.core.evidence import (
    OtherSignature,
    SignatureEvidence,
    Uncovered,
    Verification,
)
from weighbridge.core.identity import (
    CertificateIdentity,
    KeyIdentity,
    SigstoreIdentity,
    VerifiedIdentity,
)
from weighbridge.record.style import PLAIN, Style, shown


def signature_text(verification: Verification, *, style: Style = PLAIN) -> str:
    """Return a verification for people; every file and every signature outside is named."""
    first = verification.first
    covered, outside = len(verification.covered), len(verification.uncovered)
    lines = [f"{style.paint('VERIFIED', style.good)}  {one_line(first.subject.text)}"]
    for evidence in verification.signatures:
        lines += _signature_rows(evidence)
    if len(verification.signatures) > 1:
        lines.append(_row("signers", f"{verification.signers} different"))
    lines += [
        _row("files", f"{covered} covered by the signature, {outside} not"),
        *_outside(verification.uncovered),
        *_others(verification.others, style),
    ]
    return "\n".join(lines) + "\n"


def _signature_rows(evidence: SignatureEvidence) -> Iterator[str]:
    yield _row("signed by", one_line(evidence.identity.label))
    yield from _identity_rows(evidence.identity)
    for time in evidence.times:
        at = f"{time.at:%Y-%m-%d %H:%M:%S %Z}, by the {time.clock} {one_line(time.authority)}"
        yield _row("signed at", at)
    for reason in evidence.unused_timestamps:
        yield _row("not believed", one_line(reason))
    if not evidence.times:
        yield _row("signed at", "not known: no clock that is trusted saw it")
    if not isinstance(evidence.identity, KeyIdentity):  # a key is its own root, and said already
        yield _row("trusted root", evidence.identity.trusted_root)
    yield _row("signature", one_line(evidence.signature_path))
    yield _row("root digest", str(evidence.root))


def _others(others: Iterable[OtherSignature], style: Style) -> Iterator[str]:
    """Yield a line for each signature that does not count."""
    for other in others:
        code = "" if other.code is None else style.paint(f" [{other.code}]", style.faint)
        reason = one_line(other.reason.split("\n", 1)[0])
        yield _row("not counted", f"{one_line(other.path)}: {reason}{code}")


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
