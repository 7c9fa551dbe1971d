"""What a verification of a keyless signature looks at, and in which order."""

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sigstore.verify import Verifier as PackageVerifier

from support.signatures import Document, altered, base64_of, key_signer, refused, state
from weighbridge.core.codes import Code
from weighbridge.core.errors import SignatureRejectedError
from weighbridge.demo.instance.loopback import LoopbackSigstore
from weighbridge.signing.bundle import Bundle, parse_bundle, render_bundle
from weighbridge.signing.sigstore import verification
from weighbridge.signing.sigstore.credentials import GivenToken
from weighbridge.signing.sigstore.expected import Exactly, ExpectedSigner
from weighbridge.signing.sigstore.material import SigstoreMaterial
from weighbridge.signing.sigstore.signer import SigstoreSigner
from weighbridge.signing.sigstore.trust import Trust, parse_trust
from weighbridge.signing.sigstore.verification import SigstoreVerifier
from weighbridge.signing.statement import render_statement

STATEMENT = render_statement(state())


@pytest.fixture
def trust(instance: LoopbackSigstore) -> Trust:
    """The instance's trust configuration."""
    return parse_trust(instance.trust_config.read_bytes(), where="trust.json")


@pytest.fixture
def verifier(instance: LoopbackSigstore, trust: Trust) -> SigstoreVerifier:
    """A verifier that expects Ada."""
    expected = ExpectedSigner(identity=Exactly("ada@example.org"), issuer=instance.issuer.url)
    return SigstoreVerifier(trust=trust, expected=expected)


def signature(instance: LoopbackSigstore, *, version: int = 2) -> bytes:
    """Return a signature by Ada."""
    place = instance.trust_config if version == 2 else instance.trust_config_v1
    signer = SigstoreSigner(
        trust=parse_trust(place.read_bytes(), where="trust.json"),
        credentials=GivenToken(text=instance.token()),
    )
    return signer.sign(STATEMENT)


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def test_a_keyless_signature_has_one_rendering(instance: LoopbackSigstore) -> None:
    """What is parsed and written again is the same file, with and without a promise."""
    for version in (1, 2):
        data = signature(instance, version=version)
        bundle = parse_bundle(data, where="model.sig")
        again = render_bundle(
            payload=bundle.payload,
            signature=bundle.signature,
            material=bundle.material,
            timestamps=bundle.timestamps,
        )
        assert again == data


def test_the_other_spelling_of_the_media_type_is_read(
    instance: LoopbackSigstore, verifier: SigstoreVerifier
) -> None:
    """Version 0.3 has two spellings for keyless signatures, and one for all others."""
    other = "application/vnd.dev.sigstore.bundle+json;version=0.3"
    document: Document = json.loads(signature(instance))
    bundle = parse_bundle(json.dumps(document | {"mediaType": other}).encode(), where="m")
    assert verifier.verify(bundle, at=now()).name == "ada@example.org"
    for wrong in (other.replace("0.3", "0.2"), other.upper(), ""):
        with refused(Code.SIGNATURE_MALFORMED, text="mediaType"):
            parse_bundle(json.dumps(document | {"mediaType": wrong}).encode(), where="m")
    by_key = json.loads(key_signer().sign(STATEMENT)) | {"mediaType": other}
    with refused(Code.SIGNATURE_MALFORMED, text="mediaType"):
        parse_bundle(json.dumps(by_key).encode(), where="m")


def test_another_method_is_told(verifier: SigstoreVerifier) -> None:
    """A signature by a key is refused as one of another method."""
    bundle = parse_bundle(key_signer().sign(STATEMENT), where="model.sig")
    with refused(Code.SIGNATURE_METHOD, text="Verify it with the method 'key'"):
        verifier.verify(bundle, at=now())


@pytest.mark.parametrize("version", [1, 2])
def test_the_callers_clock_bounds_timestamps(
    instance: LoopbackSigstore, verifier: SigstoreVerifier, version: int
) -> None:
    """A clock's or a log's time in the future is refused; long after it everything holds."""
    bundle = parse_bundle(signature(instance, version=version), where="model.sig")
    assert verifier.verify(bundle, at=now() + timedelta(days=3650)).name == "ada@example.org"
    with refused(Code.TIMESTAMP_REQUIRED, text="in the future"):
        verifier.verify(bundle, at=now() - timedelta(days=1))


@pytest.mark.parametrize(
    "error", [IndexError(), KeyError("kind"), AttributeError(), OverflowError(), RecursionError()]
)
@pytest.mark.parametrize("part", ["package", "stamp"])
def test_whatever_the_packages_raise_is_a_refusal(
    instance: LoopbackSigstore,
    verifier: SigstoreVerifier,
    monkeypatch: pytest.MonkeyPatch,
    part: str,
    error: Exception,
) -> None:
    """An error of a dependency about a signature, of whatever kind, refuses that signature."""
    bundle = parse_bundle(signature(instance), where="model.sig")

    def fail(*arguments: object, **named: object) -> None:
        del arguments, named
        raise error

    if part == "package":
        monkeypatch.setattr(PackageVerifier, "verify_dsse", fail)
    else:
        monkeypatch.setattr(verification, "_require_signer", fail)
    with pytest.raises(SignatureRejectedError):
        verifier.verify(bundle, at=now())


def test_nothing_but_what_was_read_is_verified(
    instance: LoopbackSigstore, verifier: SigstoreVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the package verified another statement than the one that was read, that is refused."""
    bundle = parse_bundle(signature(instance), where="model.sig")
    original = PackageVerifier.verify_dsse

    def other(self: PackageVerifier, *arguments: object) -> tuple[str, bytes]:
        kind, payload = original(self, *arguments)  # type: ignore[arg-type]
        return kind, payload + b" "

    monkeypatch.setattr(PackageVerifier, "verify_dsse", other)
    with refused(Code.SIGNATURE_INVALID, text="another statement was verified"):
        verifier.verify(bundle, at=now())


@pytest.mark.parametrize(
    "error",
    [KeyError("x"), TypeError("x"), AttributeError("x"), OverflowError("x"), ValueError()],
    ids=lambda e: type(e).__name__,
)
def test_whatever_the_package_raises_refuses(
    instance: LoopbackSigstore,
    verifier: SigstoreVerifier,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    """An error of the package that is no verification error refuses the signature as well."""
    bundle = parse_bundle(signature(instance), where="model.sig")

    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(PackageVerifier, "verify_dsse", broken)
    with refused(Code.SIGNATURE_INVALID):
        verifier.verify(bundle, at=now())


def test_another_certificate_than_the_one_that_was_read_is_refused(
    instance: LoopbackSigstore, verifier: SigstoreVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the package verified another certificate, who it names says nothing."""
    first, second = (parse_bundle(signature(instance), where="model.sig") for _ in range(2))
    from weighbridge.signing.sigstore import verification  # noqa: PLC0415  the module under test

    def exchanged(**_: object) -> bytes:
        return render_bundle(
            payload=second.payload,
            signature=second.signature,
            material=second.material,
            timestamps=second.timestamps,
        )

    trust = verifier._trust
    wide = parse_trust(instance.trust_config.read_bytes(), where="t")
    monkeypatch.setattr(verification, "render_bundle", exchanged)
    monkeypatch.setattr(Trust, "in_use", lambda _, **__: wide.client().trusted_root)
    assert trust.sha256 == wide.sha256
    with refused(Code.SIGNATURE_INVALID, text="another certificate was verified"):
        verifier.verify(first, at=now())


def _entry(document: Document) -> Document:
    entry: Document = document["verificationMaterial"]["tlogEntries"][0]
    return entry


CHECKPOINT: dict[str, Callable[[str], str]] = {
    "another size": lambda c: c.replace("\n1\n", "\n2\n") if "\n1\n" in c else c + "x",
    "no signature": lambda c: c.partition("\n\n")[0] + "\n\n",
    "junk between signatures": lambda c: c + "junk\n",
    "another name": lambda c: c.replace("\u2014 ", "\u2014 x"),
    "twice": lambda c: c + c.partition("\n\n")[2],
    "other base64": lambda c: c[:-2] + c[-2:].replace("=", "") + "\n",
    "no end": lambda c: c[:-1],
    "two parts": lambda c: c.replace("\n\n", "\n\n\n"),
    "nothing": lambda _: "\n",
    "a space in the signature": lambda c: c[:-5] + " " + c[-5:],
}


@pytest.mark.parametrize("how", CHECKPOINT)
@pytest.mark.parametrize("version", [1, 2])
def test_a_checkpoint_in_another_form_is_refused(
    instance: LoopbackSigstore, how: str, version: int
) -> None:
    """A checkpoint that is not exactly a note about the proof's tree, signed once, is refused."""

    def change(document: Document) -> None:
        checkpoint = _entry(document)["inclusionProof"]["checkpoint"]
        before = checkpoint["envelope"]
        checkpoint["envelope"] = CHECKPOINT[how](before)
        assert checkpoint["envelope"] != before

    document = altered(json.loads(signature(instance, version=version)), change)
    with refused(Code.LOG_ENTRY, text="checkpoint"):
        parse_bundle(json.dumps(document).encode(), where="model.sig")


def test_a_witness_may_sign_a_checkpoint_too(
    instance: LoopbackSigstore, verifier: SigstoreVerifier
) -> None:
    """Signatures of others on a checkpoint neither help nor hurt."""

    def witness(document: Document) -> None:
        checkpoint = _entry(document)["inclusionProof"]["checkpoint"]
        checkpoint["envelope"] += f"\u2014 witness.example {base64_of(bytes(72))}\n"

    document = altered(json.loads(signature(instance)), witness)
    bundle = parse_bundle(json.dumps(document).encode(), where="model.sig")
    assert verifier.verify(bundle, at=now()).name == "ada@example.org"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda e: e.update(logIndex=0), Code.SIGNATURE_MALFORMED),
        (lambda e: e.update(logIndex="+1"), Code.SIGNATURE_MALFORMED),
        (lambda e: e.update(logIndex="01"), Code.SIGNATURE_MALFORMED),
        (lambda e: e.update(logIndex="\u0661"), Code.SIGNATURE_MALFORMED),
        (lambda e: e.update(logIndex="1_0"), Code.SIGNATURE_MALFORMED),
        (lambda e: e.update(logIndex="9" * 20), Code.SIGNATURE_MALFORMED),
        (lambda e: e.update(more="x"), Code.SIGNATURE_MALFORMED),
        (lambda e: e["kindVersion"].update(version="0.0.3"), Code.LOG_ENTRY),
        (lambda e: e["kindVersion"].update(kind="intoto"), Code.LOG_ENTRY),
        (lambda e: e["kindVersion"].update(kind="dsse", version="0.0.2"), Code.LOG_ENTRY),
        (lambda e: e["kindVersion"].update(kind="dsse", version="0.0.1"), Code.LOG_ENTRY),
        (lambda e: e.update(integratedTime="1"), Code.LOG_ENTRY),
        (
            lambda e: e.update(inclusionPromise={"signedEntryTimestamp": "AAAA"}),
            Code.LOG_ENTRY,
        ),
        (
            lambda e: e.update(
                integratedTime="999999999999", inclusionPromise={"signedEntryTimestamp": "AAAA"}
            ),
            Code.LOG_ENTRY,
        ),
        (lambda e: e["inclusionProof"].update(hashes=["AAAA"] * 65), Code.LOG_ENTRY),
        (lambda e: e["inclusionProof"].update(hashes=["A"]), Code.SIGNATURE_MALFORMED),
        (lambda e: e["inclusionProof"]["checkpoint"].update(envelope="x" * 20_000), Code.LOG_ENTRY),
    ],
)
def test_an_entry_in_another_form_is_refused(
    instance: LoopbackSigstore, change: Callable[[Document], object], code: Code
) -> None:
    """Numbers have one spelling, kinds are the known ones, and a time comes with its promise."""
    document = altered(json.loads(signature(instance)), lambda d: change(_entry(d)))
    with refused(code):
        parse_bundle(json.dumps(document).encode(), where="model.sig")


def test_a_zero_time_says_nothing(instance: LoopbackSigstore, verifier: SigstoreVerifier) -> None:
    """Logs of the second version may write a time of zero, which is no time."""
    document = altered(
        json.loads(signature(instance)), lambda d: _entry(d).update(integratedTime="0")
    )
    bundle = parse_bundle(json.dumps(document).encode(), where="model.sig")
    (time,) = verifier.verify(bundle, at=now()).times
    assert time.clock.value == "timestamp-authority"


def test_a_proof_without_hashes_may_leave_them_out(instance: LoopbackSigstore) -> None:
    """In a log with one entry the path is empty, and some writers leave empty lists out."""
    document: Document = json.loads(signature(instance))
    _entry(document)["inclusionProof"].pop("hashes")
    material = parse_bundle(json.dumps(document).encode(), where="model.sig").material
    assert isinstance(material, SigstoreMaterial)
    assert material.entry.proof.hashes == ()


def test_a_signer_refuses_what_it_did_not_ask_for(
    instance: LoopbackSigstore, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundle over another statement than the one to be signed never leaves the signer."""
    signer = SigstoreSigner(trust=trust, credentials=GivenToken(text=instance.token()))
    bundle: Bundle = parse_bundle(signature(instance), where="model.sig")
    other = dataclasses.replace(bundle, payload=b"{}")
    with pytest.raises(SignatureRejectedError, match="something else was signed"):
        signer._verified(other, STATEMENT)
