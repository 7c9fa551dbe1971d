"""What a timestamp has to be so that its time is believed; the authority is OpenSSL's."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from support.pki import Issued, Plan, bundle_pem, curve_key, intermediate_plan, root, rsa_key
from support.timestamps import (
    TIME_STAMPING,
    Clock,
    clock_root,
    make_clock,
    now,
    purposes,
    stamping_plan,
)
from weighbridge.core.identity import Clock as WhoseClock
from weighbridge.core.limits.signing import MAX_TIMESTAMP_BYTES
from weighbridge.signing.certificate_file import load_certificates
from weighbridge.signing.certificate_path import TrustStore
from weighbridge.signing.timestamps import token as module
from weighbridge.signing.timestamps.token import (
    UntrustedTimestampError,
    read_status,
    verify_timestamp,
)

SIGNATURE = b"the bytes of a signature"


def trust(*certificates: Issued) -> TrustStore:
    """Return the trust in *certificates*."""
    loaded = load_certificates(bundle_pem(certificates), where="clocks.pem")
    return TrustStore.from_certificates(loaded, where="clocks.pem")


def refuse(response: bytes, store: TrustStore, *, text: str) -> None:
    """Expect that the timestamp is not believed, for a reason that has *text*."""
    with pytest.raises(UntrustedTimestampError, match=text):
        verify_timestamp(response, signature=SIGNATURE, trust=store, at=now())


def accept(response: bytes, store: TrustStore, *, at: datetime | None = None) -> None:
    """Expect that the timestamp is believed."""
    time = verify_timestamp(response, signature=SIGNATURE, trust=store, at=at or now())
    assert time.authority == "CN=clock,O=Example"


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    """An ordinary authority."""
    return make_clock(tmp_path_factory.mktemp("clock") / "tsa")


@pytest.fixture(scope="module")
def response(clock: Clock) -> bytes:
    """Its timestamp over the signature."""
    return clock.over(SIGNATURE)


def test_a_timestamp_says_when_and_by_whose_clock(clock: Clock, response: bytes) -> None:
    """A timestamp by a trusted authority gives its time and the authority's name."""
    time = verify_timestamp(response, signature=SIGNATURE, trust=trust(clock.root), at=now())
    assert abs(time.at - now()) < timedelta(minutes=5)
    assert time.clock is WhoseClock.TIMESTAMP_AUTHORITY
    assert time.authority == "CN=clock,O=Example"


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_an_imprint_by_any_sha_2_is_read(clock: Clock, digest: str) -> None:
    """A timestamp over a SHA-256, SHA-384 or SHA-512 digest is believed."""
    found = clock.over(SIGNATURE, digest=digest)
    accept(found, trust(clock.root))


def test_a_weak_imprint_is_refused(clock: Clock) -> None:
    """A timestamp over a SHA-1 digest could be over something else."""
    refuse(clock.over(SIGNATURE, digest="sha1"), trust(clock.root), text="weaker than SHA-256")


@pytest.mark.parametrize(("digest", "text"), [("sha1", "weaker than SHA-256"), ("sha384", "")])
def test_a_weak_signature_of_the_authority_is_refused(
    tmp_path: Path, digest: str, text: str
) -> None:
    """An authority that signs with SHA-1 is not believed; one with SHA-384 is."""
    weak = make_clock(tmp_path / "tsa", signer_digest=digest)
    found = weak.over(SIGNATURE)
    if text:
        refuse(found, trust(weak.root), text=text)
    else:
        accept(found, trust(weak.root))


def test_a_timestamp_over_another_signature_is_refused(clock: Clock) -> None:
    """A timestamp counts for the signature that it is over, and for no other."""
    refuse(clock.over(SIGNATURE + b"!"), trust(clock.root), text="over another signature")


def test_a_stranger_is_refused(response: bytes) -> None:
    """An authority that leads to another root is not believed, whatever its name."""
    key = curve_key("secp384r1", number=33)
    plan = Plan(
        subject="CN=clock root,O=Example",
        is_ca=True,
        usage=("key_cert_sign",),
        extended=None,
        not_before=now() - timedelta(days=1),
        not_after=now() + timedelta(days=1),
    )
    refuse(response, trust(root(plan, key=key)), text="does not lead to a trusted root")


def test_an_rsa_authority_is_believed(tmp_path: Path) -> None:
    """Most public authorities have RSA keys."""
    clock = make_clock(tmp_path / "tsa", key=rsa_key())
    found = clock.over(SIGNATURE)
    accept(found, trust(clock.root))


@pytest.mark.parametrize("carry", [True, False])
def test_a_timestamp_without_certificates_needs_the_authoritys_own(
    clock: Clock, carry: bool
) -> None:
    """The authority's certificate may come from the caller instead of the timestamp."""
    found = clock.over(SIGNATURE, carry=carry)
    leaf = x509.load_pem_x509_certificate((clock.directory / "signer.pem").read_bytes())
    known = TrustStore.from_certificates([leaf, clock.root.certificate], where="clocks.pem")
    accept(found, known)
    if not carry:
        refuse(found, trust(clock.root), text="neither in it nor among the trusted ones")


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        pytest.param({}, None, id="ordinary"),
        pytest.param({"usage": None}, None, id="any usage"),
        pytest.param({"usage": ("content_commitment",)}, None, id="non-repudiation"),
        pytest.param(
            {"more": purposes(TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)},
            "not for time stamping alone",
            id="code signing too",
        ),
        pytest.param(
            {"more": purposes(ExtendedKeyUsageOID.CODE_SIGNING)},
            "not for time stamping alone",
            id="code signing",
        ),
        pytest.param(
            {"more": purposes(TIME_STAMPING, critical=False)},
            "not for time stamping alone",
            id="not critical",
        ),
        pytest.param({"more": ()}, "not for time stamping alone", id="no purpose"),
        pytest.param({"is_ca": True}, "issues certificates", id="authority"),
        pytest.param(
            {"usage": ("digital_signature", "key_cert_sign")}, "key usage", id="signs certificates"
        ),
        pytest.param({"usage": ("key_encipherment",)}, "key usage", id="encryption"),
    ],
)
def test_the_authoritys_certificate_is_for_time_stamping_alone(
    tmp_path: Path, plan: dict[str, Any], text: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 3161 2.3: one purpose, critical; what OpenSSL refuses to stamp with is refused as well."""
    # OpenSSL's own authority checks its certificate: the timestamp is made with an ordinary one,
    # and the wrong one, of the same key, name and serial number, is put before the check.
    clock = make_clock(tmp_path / "tsa")
    found = clock.over(SIGNATURE)
    wrong = clock.root.issue(stamping_plan(**plan), key=curve_key(number=32)).certificate
    if text is None:
        module._check_authority(wrong)
        accept(found, trust(clock.root))
        return
    monkeypatch.setattr(module, "_signer", lambda *_: wrong)
    refuse(found, trust(clock.root), text=text)


@pytest.mark.parametrize(
    ("age", "rest", "text"),
    [
        (timedelta(days=2), timedelta(days=2), None),
        (timedelta(days=2), -timedelta(days=1), "has expired"),
        (-timedelta(days=1), timedelta(days=2), "not yet valid"),
    ],
)
def test_the_authoritys_certificate_is_valid_at_the_stated_time(
    tmp_path: Path, age: timedelta, rest: timedelta, text: str | None
) -> None:
    """An authority cannot stamp before or after its own certificate's validity."""
    clock = make_clock(tmp_path / "tsa", plan=stamping_plan(age=age, rest=rest))
    found = clock.over(SIGNATURE)
    if text is None:
        accept(found, trust(clock.root))
    else:
        refuse(found, trust(clock.root), text=r"does not lead to a trusted root|" + text)


def test_a_timestamp_outlives_its_authoritys_certificate(clock: Clock, response: bytes) -> None:
    """What counts is that the authority was valid when it stamped, not that it still is."""
    later = now() + timedelta(days=3650)
    accept(response, trust(clock.root), at=later)


@pytest.mark.parametrize(
    ("extended", "accepted"),
    [(None, True), ((TIME_STAMPING,), True), ((ExtendedKeyUsageOID.CODE_SIGNING,), False)],
)
def test_an_authority_may_be_below_another(
    tmp_path: Path, extended: tuple[x509.ObjectIdentifier, ...] | None, accepted: bool
) -> None:
    """An intermediate issues timestamp authorities unless it is restricted to something else."""
    top = clock_root()
    plan = intermediate_plan(extended=extended)
    plan = Plan(
        subject=plan.subject,
        is_ca=True,
        usage=plan.usage,
        extended=extended,
        not_before=now() - timedelta(days=1),
        not_after=now() + timedelta(days=1),
    )
    middle = top.issue(plan, key=curve_key(number=34))
    clock = make_clock(tmp_path / "tsa", authority=middle)
    found = clock.over(SIGNATURE)
    if accepted:
        accept(found, trust(top))
    else:
        refuse(found, trust(top), text="other purposes than time stamping")


def test_a_stray_certificate_in_a_timestamp_is_refused(tmp_path: Path) -> None:
    """Whatever is carried was signed by one of the others: nothing is there for somebody to change."""
    other = root(
        Plan(
            subject="CN=other",
            is_ca=True,
            usage=("key_cert_sign",),
            extended=None,
            not_before=now() - timedelta(days=1),
            not_after=now() + timedelta(days=1),
        ),
        key=curve_key(number=35),
    )
    stray = other.issue(stamping_plan("CN=stray"), key=curve_key(number=36))
    clock = make_clock(tmp_path / "tsa", above=(stray,))
    refuse(clock.over(SIGNATURE), trust(clock.root), text="signed by none of the others")


def test_a_time_in_the_future_is_refused(clock: Clock, response: bytes) -> None:
    """A timestamp from after the verifier's clock is refused, but for what clocks are apart."""
    early = now() - timedelta(minutes=4)
    accept(response, trust(clock.root), at=early)
    with pytest.raises(UntrustedTimestampError, match="in the future"):
        verify_timestamp(
            response,
            signature=SIGNATURE,
            trust=trust(clock.root),
            at=now() - timedelta(minutes=10),
        )


@pytest.mark.parametrize(("seconds", "accepted"), [(60, True), (61, False)])
def test_a_clock_that_is_off_by_much_is_refused(
    tmp_path: Path, seconds: int, accepted: bool
) -> None:
    """An authority that says to be off by more than a minute proves no time."""
    clock = make_clock(tmp_path / "tsa", accuracy=seconds)
    found = clock.over(SIGNATURE)
    if accepted:
        accept(found, trust(clock.root))
    else:
        refuse(found, trust(clock.root), text="exact to 61 seconds only")


def test_a_huge_timestamp_is_refused_unread(clock: Clock, response: bytes) -> None:
    """The size is bounded before anything is decoded."""
    padding = b"\0" * (MAX_TIMESTAMP_BYTES + 1 - len(response))
    refuse(response + padding, trust(clock.root), text="more than")


def test_a_refusal_of_the_authority_is_no_timestamp(clock: Clock) -> None:
    """A response that grants nothing is refused, and says what the authority said."""
    found = clock.stamp(b"nonsense")
    refuse(found, trust(clock.root), text="not a timestamp that was granted")
    status, words = read_status(found)
    assert status == 2
    assert "Bad request format" in words


def test_what_is_no_response_has_no_status() -> None:
    """Nonsense has neither a status nor words."""
    assert read_status(b"nonsense") == (None, "")


def test_a_name_of_an_unknown_kind_is_refused(clock: Clock, response: bytes) -> None:
    """What the library raises about a hostile name ends here."""
    issuer = response.rfind(b"\x0c\x0aclock root")
    assert issuer > 0
    changed = response[:issuer] + b"\x0d" + response[issuer + 1 :]
    refuse(changed, trust(clock.root), text=".")


def test_the_librarys_word_is_needed(
    clock: Clock, response: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library that answers no instead of raising is understood."""

    class Denying:
        def __init__(self, **_: object) -> None: ...

        def build(self) -> "Denying":
            return self

        def verify(self, *_: object) -> bool:
            return False

    monkeypatch.setattr(module, "VerifierBuilder", Denying)
    refuse(response, trust(clock.root), text="its signature does not hold")


@pytest.mark.parametrize("number", [0, 33])
def test_too_many_certificates_are_refused(
    clock: Clock, response: bytes, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificates that are looked at are bounded in number."""
    if number == 0:
        accept(response, trust(clock.root))
        return
    monkeypatch.setattr(module, "MAX_CERTIFICATES", 1)
    refuse(response, trust(clock.root), text="certificates, more than 1")
