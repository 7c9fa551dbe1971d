"""What tests of the load stage need: held files and verdicts, made in memory."""

from collections.abc import Mapping
from datetime import UTC, datetime

from weighbridge.core.artifact import ArtifactDigests
from weighbridge.core.digest import Digest, HashAlgorithm, HashLayout
from weighbridge.core.evidence import SignatureEvidence, Uncovered
from weighbridge.core.identity import ClaimedIdentity, KeyIdentity
from weighbridge.core.verdict import Decision, PolicyReference, Verdict
from weighbridge.load.artifact import VerifiedArtifact
from weighbridge.load.held import HeldFile, HeldFiles, HoldingSink

DIGEST = Digest(HashAlgorithm.SHA256, bytes(32))


def hold(data: bytes) -> HeldFile:
    """Return *data*, held as a load holds it."""
    return hold_files({"f": data})["f"]


def hold_files(files: Mapping[str, bytes]) -> HeldFiles:
    """Return *files*, held as a load holds them."""
    sink = HoldingSink()
    for path, data in files.items():
        writer = sink.open(path, len(data))
        writer.write_at(0, data)
        writer.seal()
    return sink.finish()


def signature(*covered: str) -> SignatureEvidence:
    """Return a signature that holds."""
    return SignatureEvidence(
        identity=KeyIdentity(fingerprint="00" * 32, curve="secp256r1"),
        signature_path="model.sig",
        signature_sha256=DIGEST,
        subject=ClaimedIdentity("model"),
        root=DIGEST,
        layout=HashLayout(),
        covered=covered,
        uncovered=(),
        claimed_ignores=(),
        verified_at=datetime(2031, 1, 1, tzinfo=UTC),
    )


def make_verdict(
    *covered: str,
    decision: Decision = Decision.ALLOW,
    uncovered: tuple[str, ...] = (),
    signed: bool = True,
    name: str = "model",
    key: bytes = bytes(32),
    named: bool = True,
) -> Verdict:
    """Return a verdict about files with the digest *key*."""
    digests = ArtifactDigests(name=name, oms=DIGEST, names=Digest(HashAlgorithm.SHA256, key))
    return Verdict(
        decision=decision,
        artifact=digests if named else None,
        policy=PolicyReference(path=None, sha256="00" * 32, rule=None),
        boundary="load",
        reasons=(),
        signers=(signature(*covered),) if signed else (),
        provenance=(),
        covered=covered,
        uncovered=tuple(Uncovered(path=path, reason="unsigned") for path in uncovered),
    )


def admit(files: Mapping[str, bytes], *, name: str = "model") -> VerifiedArtifact:
    """Return *files* as an artifact that was allowed whole."""
    return VerifiedArtifact(make_verdict(*files, name=name), hold_files(files))
