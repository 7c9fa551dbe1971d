"""Signatures by a key in a token, in both directions with the reference packages."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.oracles import ORACLES, Oracle
from support.pki import AUTHORITY, CURVES, Plan, curve_key, private_pem, public_pem, root
from support.publisher import make_workplace, weighbridge
from support.tokens import PIN, SoftToken, make_token
from weighbridge.signing.pkcs11.token import MODULE_DIRECTORIES

pytestmark = pytest.mark.oracle

METHODS = ("key", "certificate")
# The packages verify ECDSA on these curves; a token holds one key of each.
IDENTIFIERS = {curve: f"0{number}" for number, curve in enumerate(CURVES, start=1)}
# The package leaves out a field of the bundle that its own dependency requires.
THEY_CANNOT_SIGN = {("model-signing", "certificate")}


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> SoftToken:
    """Return a token with a key of each curve."""
    token = make_token(tmp_path_factory.mktemp("token"), label="shared")
    for curve, identifier in IDENTIFIERS.items():
        token.add_key(private_pem(curve_key(curve)), label=curve, identifier=identifier)
    return token


@pytest.fixture(scope="module", params=ORACLES)
def oracle(request: pytest.FixtureRequest, token: SoftToken) -> Iterator[Oracle]:
    """Return a reference package, started where it finds *token*."""
    assert token.directory.exists()
    oracle = Oracle(request.param)
    yield oracle
    oracle.close()


@pytest.fixture(params=CURVES)
def curve(request: pytest.FixtureRequest) -> str:
    """Return the name of a curve."""
    name: str = request.param
    return name


@pytest.fixture
def place(tmp_path: Path, curve: str) -> Path:
    """Return a directory with a model, and what verifies the token's key of *curve*."""
    make_workplace(tmp_path)
    now = datetime.now(UTC)
    begin, end = now - timedelta(days=1), now + timedelta(days=1)
    authority = root(replace(AUTHORITY, not_before=begin, not_after=end))
    leaf = authority.issue(Plan(not_before=begin, not_after=end), key=curve_key(curve))
    files = {
        "leaf.pem": leaf.pem,
        "root.pem": authority.pem,
        "token.pub": public_pem(curve_key(curve)),
        "pin": PIN.encode(),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def their_word(oracle: Oracle, place: Path, method: str) -> str | None:
    """Return what the package says against the signature."""
    return oracle.ask(
        action="verify",
        method=method,
        public_key=place / "token.pub",
        roots=[str(place / "root.pem")],
        model=place / "model",
        signature=place / "model.sig",
    )


def our_code(place: Path, method: str) -> int:
    """Return the exit code of verifying the signature here."""
    needed = {
        "key": ("--public-key", "token.pub"),
        "certificate": ("--certificate-chain", "root.pem", "--subject", "CN=signer,O=Example"),
    }
    done = weighbridge(
        place, "verify", method, "model", "--signature", "model.sig", *needed[method]
    )
    return done.code


def flip_a_bit(place: Path) -> None:
    """Change one bit of the model."""
    victim = place / "model" / "model.safetensors"
    data = bytearray(victim.read_bytes())
    data[-1] ^= 1
    victim.write_bytes(data)


@pytest.mark.parametrize("method", METHODS)
def test_ours_verify_there(
    oracle: Oracle, token: SoftToken, place: Path, curve: str, method: str
) -> None:
    """The package accepts what the token signed through us, and refuses a changed model."""
    certificate = ("--signing-certificate", "leaf.pem") if method == "certificate" else ()
    done = weighbridge(
        place,
        *("sign", f"pkcs11-{method}", "model", "--signature", "model.sig", *certificate),
        *("--pkcs11-uri", token.uri(f"id=%{IDENTIFIERS[curve]}"), "--pin-file", "pin"),
    )
    assert done.code == 0, done.err
    assert their_word(oracle, place, method) is None
    flip_a_bit(place)
    assert their_word(oracle, place, method) is not None


@pytest.mark.parametrize("method", METHODS)
def test_theirs_verify_here(
    oracle: Oracle, token: SoftToken, place: Path, curve: str, method: str
) -> None:
    """We accept what the token signed through the package, where it can; not a changed model."""
    query = f"module-name=softhsm2&pin-value={PIN}"
    said = oracle.ask(
        action="sign",
        method=f"pkcs11-{method}",
        pkcs11_uri=token.uri(f"id=%{IDENTIFIERS[curve]}", query=query),
        module_paths=MODULE_DIRECTORIES,  # the package searches Red Hat's and SUSE's by itself
        certificate=place / "leaf.pem",
        chain=[str(place / "root.pem")],  # one of the packages fails without any
        model=place / "model",
        signature=place / "model.sig",
    )
    if (oracle.name, method) in THEY_CANNOT_SIGN:
        assert said is not None
        # It takes the certificate's DER for base64, so what it stumbles over differs by its bytes.
        assert "tlogEntries" in said or "raw_bytes" in said
        return
    assert said is None
    assert our_code(place, method) == 0
    flip_a_bit(place)
    assert our_code(place, method) == 10
