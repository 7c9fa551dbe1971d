"""The commands that sign with a key in a token, as processes, with a real token."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.pki import AUTHORITY, Plan, curve_key, private_pem, public_pem, root
from support.publisher import make_workplace, weighbridge
from support.tokens import PIN, SoftToken, make_token
from weighbridge.cli.main import run


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> SoftToken:
    """Return a token with one key."""
    token = make_token(tmp_path_factory.mktemp("token"))
    token.add_key(private_pem(curve_key()), label="signer", identifier="01")
    return token


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory with a model, the key's public half, and a file with the PIN."""
    make_workplace(tmp_path)
    (tmp_path / "token.pub").write_bytes(public_pem(curve_key()))
    (tmp_path / "pin").write_text(PIN + "\n")
    return tmp_path


@pytest.mark.parametrize("way", ["file", "uri", "environment"])
def test_a_model_is_signed_with_a_token(token: SoftToken, place: Path, way: str) -> None:
    """A PIN from each of its places signs, and the signature is one of the key."""
    query = "module-name=softhsm2" + (f"&pin-source={place}/pin" if way == "uri" else "")
    done = weighbridge(
        place,
        *("sign", "pkcs11-key", "model", "--format", "json"),
        *("--pkcs11-uri", token.uri("object=signer", query=query)),
        *(["--pin-file", "pin"] if way == "file" else []),
        **({"WEIGHBRIDGE_PIN": PIN} if way == "environment" else {}),
    )
    assert done.code == 0, done.err
    assert json.loads(done.out)["method"] == "pkcs11-key"
    assert weighbridge(place, "verify", "key", "model", "--public-key", "token.pub").code == 0
    other = weighbridge(place, "verify", "key", "model", "--public-key", "publisher.pub")
    assert other.code == 10


def test_what_is_missing_is_said_before_a_pin_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the extra the error is the install command, also for whoever has given no PIN."""
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    monkeypatch.delenv("WEIGHBRIDGE_PIN", raising=False)
    code = run(["sign", "pkcs11-key", str(place / "model"), "--pkcs11-uri", "pkcs11:object=a"])
    assert code == 1
    assert "pip install 'weighbridge[pkcs11]'" in capsys.readouterr().err


def test_a_model_is_signed_with_a_token_and_a_certificate(token: SoftToken, place: Path) -> None:
    """The certificate of the token's key verifies what it signed, for its subject only."""
    now = datetime.now(UTC)
    begin, end = now - timedelta(days=1), now + timedelta(days=1)
    authority = root(replace(AUTHORITY, not_before=begin, not_after=end))
    issued = authority.issue(Plan(not_before=begin, not_after=end), key=curve_key())
    (place / "leaf.pem").write_bytes(issued.pem)
    (place / "root.pem").write_bytes(authority.pem)
    done = weighbridge(
        place,
        *("sign", "pkcs11-certificate", "model", "--signing-certificate", "leaf.pem"),
        *("--pkcs11-uri", token.uri("id=%01"), "--pin-file", "pin"),
    )
    assert done.code == 0, done.err
    verify = ("verify", "certificate", "model", "--certificate-chain", "root.pem", "--subject")
    assert weighbridge(place, *verify, "CN=signer,O=Example").code == 0
    assert weighbridge(place, *verify, "CN=other,O=Example").code == 10


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["--pin-file", "wrong"], 10, "[key-password]"),
        ([], 10, "[key-password]"),
        (["--pin-file", "missing"], 2, "[reference-not-found]"),
    ],
)
def test_without_the_right_pin_nothing_is_signed(
    token: SoftToken, place: Path, arguments: list[str], code: int, expected: str
) -> None:
    """A wrong, a missing and an unreadable PIN are errors, and no signature is written."""
    (place / "wrong").write_text("000000")
    uri = token.uri("object=signer")
    done = weighbridge(place, "sign", "pkcs11-key", "model", "--pkcs11-uri", uri, *arguments)
    assert (done.code, expected in done.err) == (code, True), done.err
    assert not (place / "model" / "model.sig").exists()


def test_a_pin_among_the_arguments_is_refused(token: SoftToken, place: Path) -> None:
    """A PIN in the URI is an error of usage, which does not repeat it."""
    uri = token.uri("object=signer", query=f"module-name=softhsm2&pin-value={PIN}")
    done = weighbridge(place, "sign", "pkcs11-key", "model", "--pkcs11-uri", uri)
    assert done.code == 2
    assert "[token-uri]" in done.err
    assert PIN not in done.err + done.out


def test_the_reference_s_flags_sign_with_a_token(token: SoftToken, place: Path) -> None:
    """A URI as the reference's scripts have it, with PIN and library in it, signs."""
    uri = token.uri("object=signer;type=private", query=f"module-name=softhsm2&pin-value={PIN}")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "weighbridge.compat.model_signing", "sign", "pkcs11-key"),
            *("--signature", "model.sig", "--pkcs11_uri", uri, "model"),
        ],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "Signing succeeded\n"), done.stderr
    assert PIN not in done.stderr
    verify = ("verify", "key", "model", "--signature", "model.sig", "--public-key", "token.pub")
    assert weighbridge(place, *verify).code == 0
