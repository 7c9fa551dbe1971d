"""The certificate authority of the test instance: whom it gives what, and whom nothing."""

import base64
import hmac
from datetime import UTC, datetime, timedelta

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.asn1 import decode_der
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from weighbridge.demo.instance.authority import public_der
from weighbridge.demo.instance.identity import GITHUB_ISSUER, WorkflowRun
from weighbridge.demo.instance.loopback import LoopbackSigstore
from weighbridge.demo.instance.oidc import Issuer
from weighbridge.demo.instance.server import RequestRefusedError

KEY = ec.generate_private_key(ec.SECP256R1())
OLD_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")


def request_for(key: ec.EllipticCurvePrivateKey = KEY) -> x509.CertificateSigningRequest:
    """Return a request to certify *key*."""
    return x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, SHA256())


def issued(instance: LoopbackSigstore, token: str) -> x509.Certificate:
    """Return the certificate that *token* gets."""
    pem, *_ = instance.fulcio.issue(token, request_for())
    return x509.load_pem_x509_certificate(pem.encode())


def said(certificate: x509.Certificate) -> dict[int, str]:
    """Return what Fulcio's extensions in the form of today say, by their last number."""
    found = {}
    for extension in certificate.extensions:
        *arc, last = extension.oid.dotted_string.split(".")
        if ".".join(arc) == "1.3.6.1.4.1.57264.1" and int(last) >= 8:
            assert isinstance(extension.value, x509.UnrecognizedExtension)
            found[int(last)] = decode_der(str, extension.value.value)
    return found


def test_a_certificate_says_who_and_by_whose_word(instance: LoopbackSigstore) -> None:
    """The address is the only name, the issuer is named twice, and the subject stays empty."""
    certificate = issued(instance, instance.token("ada@example.org"))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert list(names.value) == [x509.RFC822Name("ada@example.org")]
    assert names.critical
    assert said(certificate) == {8: instance.issuer.url}
    old = certificate.extensions.get_extension_for_oid(OLD_ISSUER).value
    assert isinstance(old, x509.UnrecognizedExtension)
    assert old.value == instance.issuer.url.encode()
    assert certificate.subject == x509.Name([])


def test_a_certificate_is_short_lived_and_for_signing_code_only(instance: LoopbackSigstore) -> None:
    """It is valid for ten minutes from now, for signatures over code and nothing else."""
    certificate = issued(instance, instance.token())
    lived = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert lived == timedelta(minutes=10)
    assert certificate.not_valid_before_utc <= datetime.now(UTC)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert not usage.key_cert_sign
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [x509.oid.ExtendedKeyUsageOID.CODE_SIGNING]
    certificate.verify_directly_issued_by(instance.fulcio.authority.intermediate.certificate)


def test_a_uri_may_be_somebody_too(instance: LoopbackSigstore) -> None:
    """A subject that is a URI is certified as a URI."""
    certificate = issued(instance, instance.token("https://example.org/robots/7"))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert list(names.value) == [x509.UniformResourceIdentifier("https://example.org/robots/7")]


def test_a_workflow_is_described_in_full(instance: LoopbackSigstore) -> None:
    """Every extension that Fulcio defines for a workflow is there, as Fulcio fills it."""
    run = WorkflowRun(repository="acme/models", ref="refs/tags/v3", trigger="release", run=7)
    certificate = issued(instance, instance.workflow_token(run))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert list(names.value) == [x509.UniformResourceIdentifier(run.identity)]
    repository = "https://github.com/acme/models"
    assert said(certificate) == {
        8: GITHUB_ISSUER,
        9: run.identity,
        10: run.commit,
        11: "github-hosted",
        12: repository,
        13: run.commit,
        14: "refs/tags/v3",
        15: "1001",
        16: "https://github.com/acme",
        17: "1000",
        18: run.identity,
        19: run.commit,
        20: "release",
        21: f"{repository}/actions/runs/7/attempts/1",
        22: "public",
    }


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unsigned(token: str) -> str:
    header = _encoded(b'{"alg":"none","typ":"JWT"}')
    return f"{header}.{token.split('.')[1]}."


def _altered(token: str) -> str:
    header, body, signature = token.split(".")
    said = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    return f"{header}.{_encoded(said.replace(b'ada@', b'eve@'))}.{signature}"


def test_a_forged_token_is_refused(instance: LoopbackSigstore) -> None:
    """A token that somebody else signed in the issuer's name gets no certificate."""
    forged = Issuer(instance.issuer.url).mint({"sub": "a", "email": "a@b"}, now=datetime.now(UTC))
    with pytest.raises(RequestRefusedError, match="Signature verification failed"):
        issued(instance, forged)


def test_an_altered_token_is_refused(instance: LoopbackSigstore) -> None:
    """A token whose address was exchanged gets no certificate."""
    with pytest.raises(RequestRefusedError, match="Signature verification failed"):
        issued(instance, _altered(instance.token()))


def test_an_unsigned_token_is_refused(instance: LoopbackSigstore) -> None:
    """A token that says that it needs no signature gets no certificate."""
    with pytest.raises(RequestRefusedError, match="alg value"):
        issued(instance, _unsigned(instance.token()))


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(
    instance: LoopbackSigstore,
) -> None:
    """A token under a symmetric algorithm, with what everybody knows as its key, gets nothing."""
    body = instance.token().split(".")[1]
    signed = _encoded(b'{"alg":"HS256","typ":"JWT"}') + "." + body
    code = hmac.digest(public_der(instance.issuer.key), signed.encode(), "sha256")
    with pytest.raises(RequestRefusedError, match="alg value"):
        issued(instance, f"{signed}.{_encoded(code)}")


def test_a_token_by_a_stranger_is_refused(instance: LoopbackSigstore) -> None:
    """An issuer that nobody configured certifies nobody."""
    stranger = Issuer("https://issuer.example.org")
    with pytest.raises(RequestRefusedError, match="nobody who is trusted"):
        issued(instance, stranger.mint({"sub": "a", "email": "a@b"}, now=datetime.now(UTC)))


def test_one_issuer_cannot_speak_for_another(instance: LoopbackSigstore) -> None:
    """A token that names the workflows' issuer, signed by the other one, is refused."""
    claims = {**WorkflowRun().claims(), "iss": GITHUB_ISSUER}
    with pytest.raises(RequestRefusedError, match="Signature verification failed"):
        issued(instance, instance.token(claims=claims))


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (lambda i: i.token(audience="somebody"), "Audience"),
        (lambda i: i.token(lifetime=timedelta(seconds=-1)), "expired"),
        (lambda i: i.token(claims={"nbf": 4102444800}), "not yet valid"),
        (lambda i: i.token(claims={"iat": 4102444800}), "not yet valid"),
        (lambda i: i.token(claims={"email_verified": False}), "not verified"),
        (lambda i: i.token(claims={"email": ""}), "does not say email"),
        (lambda i: i.issuer.mint({"sub": "ada"}, now=datetime.now(UTC)), "expected an e-mail"),
        (lambda i: i.issuer.mint({"email": "a@b"}, now=datetime.now(UTC)), "sub"),
        (lambda i: i.github.mint({"sub": "repo"}, now=datetime.now(UTC)), "job_workflow_ref"),
        (lambda _: "no token", "refused"),
    ],
)
def test_a_token_that_is_not_for_this_is_refused(
    instance: LoopbackSigstore, token: object, message: str
) -> None:
    """For another audience, out of its time, or about nobody in particular: no certificate."""
    assert callable(token)
    with pytest.raises(RequestRefusedError, match=message):
        issued(instance, token(instance))


def test_who_does_not_hold_the_key_gets_nothing(instance: LoopbackSigstore) -> None:
    """A request whose signature was made with another key is refused."""
    request = request_for().public_bytes(Encoding.DER)
    broken = x509.load_der_x509_csr(request[:-1] + bytes([request[-1] ^ 1]))
    with pytest.raises(RequestRefusedError, match="does not hold the private key"):
        instance.fulcio.issue(instance.token(), broken)


def test_a_key_of_another_kind_is_refused(instance: LoopbackSigstore) -> None:
    """Only keys on an elliptic curve are certified, as clients have them."""
    key = ed25519.Ed25519PrivateKey.generate()
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    with pytest.raises(RequestRefusedError, match="elliptic curve"):
        instance.fulcio.issue(instance.token(), builder.sign(key, None))


def test_over_the_wire_it_says_why(instance: LoopbackSigstore) -> None:
    """Without a token, or with rubbish, the answer is an error with a reason."""
    place = f"{instance.addresses.fulcio}/api/v2/signingCert"
    no_token = requests.post(place, json={}, timeout=30)
    assert (no_token.status_code, no_token.json()["message"]) == (401, "there is no bearer token")
    headers = {"Authorization": f"Bearer {instance.token()}"}
    for body in (b"", b"[]", b"{}", b'{"certificateSigningRequest": "AAAA"}', b"{"):
        answer = requests.post(place, data=body, headers=headers, timeout=30)
        assert answer.status_code == 400
        assert answer.json()["message"]
    assert requests.get(f"{instance.addresses.fulcio}/other", timeout=30).status_code == 404


def test_it_shows_its_chain(instance: LoopbackSigstore) -> None:
    """The trust bundle is the intermediate and the root that signed it."""
    answer = requests.get(f"{instance.addresses.fulcio}/api/v2/trustBundle", timeout=30).json()
    (chain,) = answer["chains"]
    intermediate, root = (
        x509.load_pem_x509_certificate(pem.encode()) for pem in chain["certificates"]
    )
    intermediate.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
