"""A model's claims for people: what each says, about what, and whose word it is."""

from collections.abc import Iterator
from pathlib import Path

from weighbridge.core.attestation import (
    Artifact,
    Build,
    Content,
    PartDigests,
    ResultOfTests,
    SignedFiles,
    Summary,
)
from weighbridge.core.claims import ClaimsList, ListedClaim
from weighbridge.core.errors import one_line
from weighbridge.record.json_claims import kind_of
from weighbridge.record.style import PLAIN, Style, counted, shown


def claims_text(listed: ClaimsList, *, style: Style = PLAIN) -> str:
    """Return a list of claims for people; untrusted text in it is escaped."""
    return "\n".join(_lines(listed, style)) + "\n"


def appended_text(place: Path, *, given: int, new: int) -> str:
    """Return what became of claims that were to be appended."""
    known = f", {given - new} there already" if given > new else ""
    return f"appended {counted(new, 'claim')}{known}: {one_line(str(place))}\n"


def _lines(listed: ClaimsList, style: Style) -> Iterator[str]:
    name = style.paint(one_line(listed.name), style.strong)
    yield f"{name}: {counted(len(listed.claims), 'claim')} in {one_line(listed.place.name)}"
    if not listed.verified and listed.claims:
        yield "Nobody's signature was verified: --policy holds them against whom you trust."
    for gap in listed.gaps:
        yield f"  {style.paint('GAP', style.bad)}  {_reason(gap.reason)} [{gap.code}]"
    yield from shown(
        ("\n".join(_claim_lines(claim, listed, style)) for claim in listed.claims), noun="claims"
    )


def _claim_lines(claim: ListedClaim, listed: ClaimsList, style: Style) -> Iterator[str]:
    number = claim.place.rpartition(":")[2]
    word = style.paint(kind_of(claim), style.bad if claim.gap else style.strong)
    yield ""
    yield f"{number:>4}  {word}  {_says(claim.content)}".rstrip()
    for artifact in claim.artifacts:
        yield _row("about", f"{_artifact(artifact)}{_own(claim)}")
    if claim.files:
        yield _row("about", counted(len(claim.files), "single file"))
    yield from _details(claim.content)
    for signer in claim.signers:
        yield _row("signed by", f"{one_line(signer.trust)} ({one_line(signer.identity.label)})")
    if not listed.verified and claim.gap is None:
        yield _row("signed by", "somebody: not verified")
    if claim.gap is not None:
        yield _row("does not count", f"{_reason(claim.gap.reason)} [{claim.gap.code}]")


def _says(content: Content | None) -> str:
    match content:
        case Build():
            return f"by {one_line(content.builder_id)}"
        case Summary():
            passed = "passed" if content.passed else "failed"
            return f"{passed}, says {one_line(content.verifier_id)}"
        case SignedFiles():
            return counted(len(content.paths), "file")
        case ResultOfTests():
            return str(content.outcome).lower()
        case PartDigests():
            parts = sum(len(file.parts) for file in content.files)
            return f"{counted(parts, 'part')} of {counted(len(content.files), 'file')}"
        case None:
            return ""


def _details(content: Content | None) -> Iterator[str]:
    match content:
        case Build():
            yield _row("type", one_line(content.build_type))
            if content.source is not None:
                yield _row("source", one_line(content.source.label))
            for artifact in content.inputs:
                yield _row("made from", _artifact(artifact))
        case Summary():
            yield _row("policy", one_line(content.policy_uri))
            if content.verified is not None:
                yield _row("at", content.verified.isoformat())
        case ResultOfTests():
            for name, tests in (("failed", content.failed), ("warned", content.warned)):
                if tests:
                    yield _row(name, one_line(", ".join(tests)))
        case SignedFiles() | PartDigests() | None:
            return


def _artifact(artifact: Artifact) -> str:
    return f"{one_line(artifact.name)} ({artifact.binding.label})"


def _own(claim: ListedClaim) -> str:
    if claim.own is None or len(claim.artifacts) > 1:
        return ""
    return ", this very model" if claim.own else ", another one"


def _reason(reason: str) -> str:
    return one_line(reason.partition(": ")[2] or reason)


def _row(label: str, value: str) -> str:
    return f"      {label:<15}{value}"
