"""Keys in a real token sign what verifies like any other signature."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from support.pki import (
    CURVES,
    NOW,
    Plan,
    curve_key,
    private_pem,
    public_pem,
    root,
    rsa_key,
)
from support.tokens import MODULE, PIN, SoftToken, make_token
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    KeyRejectedError,
    MissingExtraError,
    OperationError,
    SignatureRejectedError,
)
from weighbridge.core.identity import SigningMethod
from weighbridge.signing.bundle import parse_bundle
from weighbridge.signing.certificate import CertificateSigner, CertificateVerifier
from weighbridge.signing.identity import ExpectedIdentity
from weighbridge.signing.key import KeySigner, KeyVerifier
from weighbridge.signing.pkcs11.signer import TokenSigner
from weighbridge.signing.pkcs11.token import open_token_key
from weighbridge.signing.pkcs11.uri import parse_token_uri

PAYLOAD = b'{"what": "a statement"}'
_PIN = PIN.encode()


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> SoftToken:
    """Return a token with a key on each curve, one that is there twice, and an RSA key."""
    token = make_token(tmp_path_factory.mktemp("token"))
    for number, curve in enumerate(CURVES, start=1):
        token.add_key(private_pem(curve_key(curve)), label=curve, identifier=f"0{number}")
    for identifier in ("0a", "0b"):
        token.add_key(
            private_pem(curve_key(number=int(identifier, 16))), label="twice", identifier=identifier
        )
    token.add_key(private_pem(rsa_key()), label="rsa", identifier="0c")
    return token


@pytest.mark.parametrize("curve", sorted(CURVES))
def test_a_signature_of_a_token_verifies_like_any_other(token: SoftToken, curve: str) -> None:
    """What a token signs verifies with the key's public half, and with no other."""
    uri = parse_token_uri(token.uri(f"object={curve};type=private"))
    with open_token_key(uri, pin=_PIN) as key:
        signer = KeySigner(key, method=SigningMethod.PKCS11_KEY)
        bundle = parse_bundle(signer.sign(PAYLOAD), where="test")
    assert signer.method is SigningMethod.PKCS11_KEY
    verifier = KeyVerifier.from_pem(public_pem(curve_key(curve)))
    assert verifier.verify(bundle, at=NOW) == signer.identity
    stranger = KeyVerifier.from_pem(public_pem(curve_key(curve, number=9)))
    with pytest.raises(SignatureRejectedError):
        stranger.verify(bundle, at=NOW)


def test_a_key_in_a_token_signs_with_its_certificate(token: SoftToken) -> None:
    """A certificate of the token's key leads to its root, and one of another key is refused."""
    authority = root()
    issued = authority.issue(Plan(), key=curve_key("secp256r1"))
    other = authority.issue(Plan(), key=curve_key(number=9))
    uri = parse_token_uri(token.uri("id=%01"))
    with open_token_key(uri, pin=_PIN) as key:
        signer = CertificateSigner(key, chain=[issued.certificate], where="leaf.pem")
        bundle = parse_bundle(signer.sign(PAYLOAD), where="test")
        with pytest.raises(KeyRejectedError, match="does not belong to the certificate"):
            CertificateSigner(key, chain=[other.certificate], where="leaf.pem")
    verifier = CertificateVerifier.from_pem(
        authority.pem, expected=ExpectedIdentity(subject="CN=signer,O=Example")
    )
    assert verifier.verify(bundle, at=NOW).subject == "CN=signer,O=Example"


def test_a_token_is_tried_at_once_and_opened_for_each_signature(token: SoftToken) -> None:
    """A wrong PIN shows when the signer is made; a right one signs as often as it is asked to."""
    uri = parse_token_uri(token.uri("id=%01"))
    with pytest.raises(KeyRejectedError):
        TokenSigner(uri, pin=b"000000")
    signer = TokenSigner(uri, pin=_PIN)
    assert signer.method is SigningMethod.PKCS11_KEY
    for payload in (PAYLOAD, b"another one"):
        assert parse_bundle(signer.sign(payload), where="test").payload == payload


def test_a_token_s_signer_holds_its_certificate_against_its_key(token: SoftToken) -> None:
    """A certificate of another key is refused before anything is signed."""
    uri = parse_token_uri(token.uri("id=%01"))
    authority = root()
    own = authority.issue(Plan(), key=curve_key("secp256r1")).certificate
    signer = TokenSigner(uri, pin=_PIN, chain=[own])
    assert signer.method is SigningMethod.PKCS11_CERTIFICATE
    parse_bundle(signer.sign(PAYLOAD), where="test")
    other = authority.issue(Plan(), key=curve_key(number=9)).certificate
    with pytest.raises(KeyRejectedError, match="does not belong to the certificate"):
        TokenSigner(uri, pin=_PIN, chain=[other])


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("object=nothing", "the token has no such private key"),
        ("object=twice", "several such private keys"),
        ("object=secp256r1;id=%02", "the token has no such private key"),
    ],
)
def test_a_key_is_the_only_one_of_its_name(token: SoftToken, what: str, expected: str) -> None:
    """No key, or more than one, is an error: another key than the one that was meant signs nothing."""
    with (
        pytest.raises(KeyRejectedError, match=expected) as caught,
        open_token_key(parse_token_uri(token.uri(what)), pin=_PIN),
    ):
        pass
    assert caught.value.code is Code.TOKEN_OBJECT


def test_two_keys_of_one_label_are_told_apart_by_their_ids(token: SoftToken) -> None:
    """Label and id together name one key."""
    with open_token_key(parse_token_uri(token.uri("object=twice;id=%0b")), pin=_PIN) as key:
        assert key.public_key() == curve_key(number=11).public_key()


def test_a_key_of_another_kind_is_refused(token: SoftToken) -> None:
    """An RSA key is none that the format has."""
    with (
        pytest.raises(KeyRejectedError) as caught,
        open_token_key(parse_token_uri(token.uri("object=rsa")), pin=_PIN),
    ):
        pass
    assert caught.value.code is Code.KEY_UNSUPPORTED


def test_a_wrong_pin_is_tried_once(token: SoftToken) -> None:
    """A wrong PIN is an error of its own, and the right one works afterwards."""
    uri = parse_token_uri(token.uri("object=secp256r1"))
    with (
        pytest.raises(KeyRejectedError, match="refuses the PIN") as caught,
        open_token_key(uri, pin=b"000000"),
    ):
        pass
    assert caught.value.code is Code.PASSWORD
    with pytest.raises(KeyRejectedError, match="not UTF-8"), open_token_key(uri, pin=b"\xff"):
        pass
    with open_token_key(uri, pin=_PIN):
        pass


def test_without_a_pin_the_private_key_is_not_there(token: SoftToken) -> None:
    """Nobody sees a private key who has not logged in."""
    uri = parse_token_uri(token.uri("object=secp256r1"))
    with (
        pytest.raises(KeyRejectedError, match="no such private key"),
        open_token_key(uri, pin=None),
    ):
        pass


@pytest.mark.parametrize("other", ["token=missing", "serial=0000", "slot-id=77", "model=other"])
def test_another_token_is_not_taken_instead(token: SoftToken, other: str) -> None:
    """A token that is described otherwise is not the one that is meant."""
    del token
    uri = parse_token_uri(f"pkcs11:{other};object=secp256r1?module-name={MODULE}")
    with (
        pytest.raises(KeyRejectedError, match="no token is described") as caught,
        open_token_key(uri, pin=_PIN),
    ):
        pass
    assert caught.value.code is Code.TOKEN_OBJECT


def test_a_library_is_found_by_its_path_as_well(token: SoftToken, tmp_path: Path) -> None:
    """A path names the library; a path to nothing is an error that says so."""
    found = next(Path("/usr/lib").rglob("libsofthsm2.so"))
    with open_token_key(
        parse_token_uri(token.uri("object=secp256r1", query=f"module-path={found}")), pin=_PIN
    ):
        pass
    for query in (f"module-path={tmp_path}/none.so", "module-name=none"):
        uri = parse_token_uri(token.uri("object=secp256r1", query=query))
        with (
            pytest.raises(OperationError, match="library is not there"),
            open_token_key(uri, pin=b""),
        ):
            pass


def test_a_library_that_is_none_is_an_error(token: SoftToken, tmp_path: Path) -> None:
    """A file that is no PKCS#11 library fails in our own words."""
    file = tmp_path / "libbad.so"
    file.write_bytes(b"not a library")
    uri = parse_token_uri(token.uri("object=secp256r1", query=f"module-path={file}"))
    with pytest.raises(OperationError) as caught, open_token_key(uri, pin=_PIN):
        pass
    assert caught.value.code is Code.TOKEN_FAILED


def test_a_token_that_stops_answering_is_an_error(
    token: SoftToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that fails while it signs makes no signature."""
    uri = parse_token_uri(token.uri("object=secp256r1"))
    with open_token_key(uri, pin=_PIN) as key:
        for answer in (b"", b"\1" * 63):
            monkeypatch.setattr(key, "_key", _Answering(answer))
            with pytest.raises(OperationError, match="no ECDSA signature"):
                KeySigner(key).sign(PAYLOAD)
        monkeypatch.setattr(key, "_key", _Answering(b"\1" * 64))
        with pytest.raises(SignatureRejectedError, match="fresh signature"):
            KeySigner(key).sign(PAYLOAD)


class _Answering:
    """A key that answers the same to everything."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def sign(self, digest: bytes, *, mechanism: object) -> bytes:
        del digest, mechanism
        return self._answer


def test_without_the_package_the_error_is_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the extra is missing, the exact install command is named."""

    def refuse(name: str) -> ModuleType:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    with (
        pytest.raises(MissingExtraError, match=r"pip install 'weighbridge\[pkcs11\]'"),
        open_token_key(parse_token_uri("pkcs11:object=a"), pin=None),
    ):
        pass
