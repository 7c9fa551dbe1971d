"""The entry point of the conformance suites does what their protocol says."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.pki import AUTHORITY, Plan, root
from support.publisher import make_workplace
from weighbridge.demo.instance.loopback import loopback_sigstore

CLIENT = Path(__file__).parents[1] / "conformance" / "oms-client"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory with a model, keys, and certificates that are valid today."""
    make_workplace(tmp_path)
    now = datetime.now(UTC)
    begin, end = now - timedelta(days=1), now + timedelta(days=1)
    authority = root(replace(AUTHORITY, not_before=begin, not_after=end))
    issued = authority.issue(Plan(not_before=begin, not_after=end))
    (tmp_path / "leaf.key").write_bytes(issued.key_pem)
    (tmp_path / "leaf.pem").write_bytes(issued.pem)
    (tmp_path / "root.pem").write_bytes(authority.pem)
    return tmp_path


METHODS = {
    "key": (["--private-key", "publisher.key"], ["--public-key", "publisher.pub"]),
    "certificate": (
        ["--private-key", "leaf.key", "--signing-cert", "leaf.pem", "--cert-chain", "root.pem"],
        ["--cert-chain", "root.pem"],
    ),
}


def _client(place: Path, *arguments: str, trust: Path | None = None) -> int:
    more = {} if trust is None else {"OMS_TRUST_CONFIG": str(trust)}
    done = subprocess.run(
        [sys.executable, str(CLIENT), *arguments],
        cwd=place,
        env={**os.environ, **more},
        check=False,
        capture_output=True,
    )
    return done.returncode


def _sign(place: Path, method: str, *more: str) -> int:
    given = ["--method", method, "--model-path", str(place / "model"), "--output-bundle", "m.sig"]
    return _client(place, "sign-model", *given, *METHODS[method][0], *more)


def _verify(place: Path, method: str, *more: str) -> int:
    given = ["--method", method, "--model-path", str(place / "model"), "--bundle", "m.sig"]
    return _client(place, "verify-model", *given, *METHODS[method][1], *more)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_what_it_signs_it_verifies(place: Path, method: str) -> None:
    """A signature of the model verifies, and no more once a byte has changed."""
    assert _sign(place, method) == 0
    assert _verify(place, method) == 0
    (place / "model" / "config.json").write_bytes(b"{ }")
    assert _verify(place, method) != 0


def test_left_out_paths_are_left_out_on_both_sides(place: Path) -> None:
    """A path that is ignored while signing has to be ignored while verifying."""
    (place / "model" / "notes.txt").write_text("mine")
    ignored = ["--ignore-paths", str(place / "model" / "notes.txt")]
    assert _sign(place, "key", *ignored) == 0
    assert _verify(place, "key") != 0
    assert _verify(place, "key", *ignored) == 0
    assert _verify(place, "key", "--ignore-unsigned-files") == 0


def test_another_key_is_refused(place: Path) -> None:
    """The public key of somebody else verifies nothing."""
    assert _sign(place, "key") == 0
    (place / "publisher.pub").write_bytes((place / "stranger.pub").read_bytes())
    assert _verify(place, "key") != 0


def test_a_keyless_signature_on_a_private_instance(place: Path) -> None:
    """With a token it signs, and verifies for the signer and the provider, and nobody else."""
    common = ["--method", "sigstore", "--model-path", str(place / "model")]
    with loopback_sigstore() as instance:
        trust, issuer = instance.trust_config, instance.issuer.url
        given = [*common, "--output-bundle", "m.sig", "--identity-token", instance.token("a@b.org")]
        assert _client(place, "sign-model", *given, trust=trust) == 0
        read = [*common, "--bundle", "m.sig"]
        for identity, provider, good in (
            ("a@b.org", issuer, True),
            ("c@b.org", issuer, False),
            ("a@b.org", "https://issuer.example.org", False),
        ):
            expected = ["--identity", identity, "--identity-provider", provider]
            code = _client(place, "verify-model", *read, *expected, trust=trust)
            assert (code == 0) is good
        expected = ["--identity", "a@b.org", "--identity-provider", issuer]
        assert _client(place, "verify-model", *read, *expected) != 0, "not of the public instance"


@pytest.mark.parametrize(
    "arguments", [["sign-model"], ["check"], ["verify-model", "--method", "x"]]
)
def test_what_the_protocol_does_not_know_is_an_error(place: Path, arguments: list[str]) -> None:
    """A call that is not of the protocol does not succeed."""
    assert _client(place, *arguments) not in {0, 10}
