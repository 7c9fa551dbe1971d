"""Timestamps, kinds of keys and passwords, as a user meets them on the command line."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.pki import AUTHORITY, Plan, root
from support.publisher import make_workplace, weighbridge
from support.timestamps import make_clock, serve_clock

DAY = timedelta(days=1)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory with a model, keys, a certificate that is valid, and a clock's root."""
    make_workplace(tmp_path)
    now = datetime.now(UTC)
    top = root(
        Plan(
            subject=AUTHORITY.subject,
            is_ca=True,
            usage=AUTHORITY.usage,
            extended=None,
            not_before=now - DAY,
            not_after=now + DAY,
        )
    )
    leaf = top.issue(Plan(not_before=now - DAY, not_after=now + DAY))
    (tmp_path / "root.pem").write_bytes(top.pem)
    (tmp_path / "leaf.pem").write_bytes(leaf.pem)
    (tmp_path / "leaf.key").write_bytes(leaf.key_pem)
    return tmp_path


SIGN = ("sign", "certificate", "model", "--private-key", "leaf.key")
CERTIFICATE = ("--signing-certificate", "leaf.pem")
VERIFY = ("verify", "certificate", "model", "--certificate-chain", "root.pem", "--any-identity")
TRUST = ("--timestamp-certificate-chain", "clock.pem")


def test_a_timestamp_from_the_network_to_the_result(place: Path) -> None:
    """A signature gets a timestamp and is verified with it; text and JSON say whose clock it is."""
    clock = make_clock(place / "tsa")
    (place / "clock.pem").write_bytes(clock.root.pem)
    with serve_clock(clock) as server:
        done = weighbridge(place, *SIGN, *CERTIFICATE, *TRUST, "--timestamp-url", server.url)
    assert done.code == 0, done.err
    shown = weighbridge(place, *VERIFY, *TRUST, "--require-timestamp")
    assert shown.code == 0, shown.err
    assert "by the timestamp-authority CN=clock,O=Example" in shown.out
    printed = json.loads(weighbridge(place, *VERIFY, *TRUST, "--format", "json").out)
    (signature,) = printed["signatures"]
    (time,) = signature["times"]
    assert (time["clock"], time["authority"]) == ("timestamp-authority", "CN=clock,O=Example")
    assert signature["unused_timestamps"] == []
    unbelieved = weighbridge(place, *VERIFY)
    assert unbelieved.code == 0
    assert "not believed timestamp 1: no timestamp authority is trusted" in unbelieved.out


def test_a_key_s_signature_may_have_to_have_a_timestamp(place: Path) -> None:
    """Without one, what requires a timestamp refuses, and says what to do."""
    clock = make_clock(place / "tsa")
    (place / "clock.pem").write_bytes(clock.root.pem)
    sign = ("sign", "key", "model", "--private-key", "publisher.key")
    verify = ("verify", "key", "model", "--public-key", "publisher.pub")
    assert weighbridge(place, *sign).code == 0
    refused = weighbridge(place, *verify, *TRUST, "--require-timestamp")
    assert refused.code == 10
    assert "[timestamp-required]" in refused.err
    assert "--timestamp-url" in refused.err
    with serve_clock(clock) as server:
        assert weighbridge(place, *sign, "--timestamp-url", server.url).code == 0
    assert weighbridge(place, *verify, *TRUST, "--require-timestamp").code == 0


def test_an_authority_that_fails_writes_nothing(place: Path) -> None:
    """No timestamp, no signature: what was there before is still there."""
    with serve_clock(lambda _: (503, {}, b"")) as server:
        done = weighbridge(place, *SIGN, *CERTIFICATE, "--timestamp-url", server.url)
    assert done.code == 1
    assert "[timestamp-failed]" in done.err
    assert not (place / "model" / "model.sig").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*SIGN, *CERTIFICATE, "--timestamp-url", "ftp://tsa.example"), "no address"),
        ((*SIGN, *CERTIFICATE, "--timestamp-certificate-chain", "root.pem"), "none to ask"),
        ((*VERIFY, "--require-timestamp"), "no authority is trusted"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(
    place: Path, arguments: tuple[str, ...], said: str
) -> None:
    """Half an instruction about timestamps is an error of usage."""
    done = weighbridge(place, *arguments)
    assert (done.code, said in done.err) == (2, True), done.err


@pytest.mark.parametrize("algorithm", ["ed25519", "ml-dsa-44", "ml-dsa-65", "ml-dsa-87"])
def test_kinds_beyond_the_format_have_to_be_allowed(place: Path, algorithm: str) -> None:
    """Making, using and believing such a key each say that other clients cannot read it."""
    made = weighbridge(place, "keygen", "new.key", "--algorithm", algorithm, "--no-password")
    assert made.code == 0
    assert "other clients" in made.err
    sign = ("sign", "key", "model", "--private-key", "new.key")
    verify = ("verify", "key", "model", "--public-key", "new.pub")
    allow = "--allow-nonstandard-keys"
    assert "[key-unsupported]" in weighbridge(place, *sign).err
    signed = weighbridge(place, *sign, allow)
    assert (signed.code, "other clients" in signed.err) == (0, True)
    assert weighbridge(place, *verify).code == 10
    believed = weighbridge(place, *verify, allow)
    assert (believed.code, algorithm in believed.out) == (0, True)


def test_the_format_s_own_keys_bring_no_warning(place: Path) -> None:
    """Permission for other kinds changes nothing for elliptic-curve keys."""
    sign = ("sign", "key", "model", "--private-key", "publisher.key", "--allow-nonstandard-keys")
    done = weighbridge(place, *sign)
    assert (done.code, "other clients" in done.err) == (0, False)


def test_an_algorithm_without_curves_takes_none(place: Path) -> None:
    """A curve for Ed25519 cannot be meant."""
    done = weighbridge(
        place, "keygen", "n.key", "--algorithm", "ed25519", "--curve", "P-256", "--no-password"
    )
    assert (done.code, "no curve to choose" in done.err) == (2, True)


@pytest.mark.parametrize("module", ["weighbridge", "weighbridge.compat.model_signing"])
def test_a_password_among_the_arguments_works_and_warns(place: Path, module: str) -> None:
    """Scripts that give a password as an argument go on working, with a warning."""
    environment = {"WEIGHBRIDGE_PASSWORD": "correct horse"}
    assert weighbridge(place, "keygen", "safe.key", **environment).code == 0
    program = [sys.executable, "-m", module, "sign", "key", "model", "--signature", "out.sig"]
    done = subprocess.run(
        [*program, "--private-key", "safe.key", "--password", "correct horse"],
        cwd=place,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "could see --password for a moment" in done.stderr
