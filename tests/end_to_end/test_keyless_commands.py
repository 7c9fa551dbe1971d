"""Keyless signing and verifying from the command line: tokens, browsers, roots, no network."""

import hashlib
import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from support.keyless import ADA, write_model
from support.publisher import Result, safetensors_bytes, weighbridge
from support.tuf_repository import tuf_repository
from weighbridge.demo.instance.loopback import LoopbackSigstore, loopback_sigstore

FOLLOW = """
import sys, urllib.request
urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1]).read()
"""


@pytest.fixture(scope="module")
def instance() -> Iterator[LoopbackSigstore]:
    """A running instance, shared: tests leave it as they found it."""
    with loopback_sigstore(clients={"sigstore": "", "acme": "s3cret"}) as running:
        yield running


@pytest.fixture
def place(tmp_path: Path, instance: LoopbackSigstore) -> Path:
    """Return a directory with a model, a token and the instance's trust configuration."""
    write_model(tmp_path / "model")
    (tmp_path / "token").write_text(instance.token(ADA) + "\n")
    shutil.copy(instance.trust_config, tmp_path / "trust.json")
    return tmp_path


SIGN = ("sign", "model", "--trust-config", "trust.json")
TOKEN = ("--identity-token-file", "token")


def verify(place: Path, instance: LoopbackSigstore, *more: str, **kwargs: str) -> Result:
    """Verify the model as Ada's."""
    return weighbridge(
        place,
        "verify",
        "model",
        "--identity",
        kwargs.get("identity", ADA),
        "--identity-provider",
        kwargs.get("provider", instance.issuer.url),
        "--trust-config",
        "trust.json",
        *more,
    )


def test_without_a_method_the_keyless_one_is_meant(place: Path, instance: LoopbackSigstore) -> None:
    """sign and verify without a method go through, and the output says who signed and when."""
    signed = weighbridge(place, *SIGN, *TOKEN)
    assert signed.code == 0, signed.err
    assert f"signed as: {ADA}" in signed.err
    verified = verify(place, instance, "--offline")
    assert verified.code == 0, verified.err
    assert f"signed by    sigstore {ADA} by {instance.issuer.url}" in verified.out
    assert "signed at" in verified.out
    document = json.loads(verify(place, instance, "--format", "json").out)
    (signature,) = document["signatures"]
    assert signature["identity"]["name"] == ADA
    assert signature["identity"]["issuer"] == instance.issuer.url
    assert signature["trusted_root"].startswith("sha256:")
    assert signature["times"][0]["clock"] == "timestamp-authority"


@pytest.mark.parametrize(
    ("identity", "provider"),
    [("eve@example.org", None), ("*", None), (ADA, "https://issuer.example"), (ADA.upper(), None)],
)
def test_somebody_else_is_refused(
    place: Path, instance: LoopbackSigstore, identity: str, provider: str | None
) -> None:
    """Another name, another provider and a wildcard are refused: nothing but the very two."""
    assert weighbridge(place, *SIGN, *TOKEN).code == 0
    result = verify(place, instance, identity=identity, provider=provider or instance.issuer.url)
    assert (result.code, "identity-mismatch" in result.err) == (10, True)


def test_both_halves_of_the_identity_are_required(place: Path) -> None:
    """verify without a name, or without a provider, is wrong usage; and so are empty ones."""
    for flags in (
        ("--identity", ADA),
        ("--identity-provider", "https://issuer.example"),
        ("--identity", "", "--identity-provider", "https://issuer.example"),
        ("--identity", ADA, "--identity-provider", ""),
    ):
        assert weighbridge(place, "verify", "sigstore", "model", *flags).code == 2


def test_w17_a_token_need_not_be_on_the_command_line(
    place: Path, instance: LoopbackSigstore
) -> None:
    """A token comes from a file or a variable, and the flag that shows it to others warns."""
    token = instance.token(ADA)
    by_variable = weighbridge(place, *SIGN, WEIGHBRIDGE_IDENTITY_TOKEN=token)
    assert by_variable.code == 0, by_variable.err
    by_flag = weighbridge(place, *SIGN, "--identity-token", token)
    assert by_flag.code == 0
    assert "other users could see --identity-token" in by_flag.err
    for result in (by_variable, by_flag):
        assert token not in result.out + result.err


def test_several_tokens_are_a_mistake(place: Path) -> None:
    """Two sources of a token contradict each other, and so do two instances."""
    result = weighbridge(place, *SIGN, *TOKEN, "--use-ambient-credentials")
    assert (result.code, "several identity tokens" in result.err) == (2, True)
    result = weighbridge(place, *SIGN, *TOKEN, "--use-staging")
    assert (result.code, "two instances" in result.err) == (2, True)


def test_a_file_that_is_no_token_is_refused(place: Path) -> None:
    """A file with other bytes than a token is refused before anything is sent."""
    for data in (b"", b"\xff\xfe", b"a.b.c"):
        (place / "token").write_bytes(data)
        assert weighbridge(place, *SIGN, *TOKEN).code == 10
        assert not (place / "model" / "model.sig").exists()


def test_a_browser_signs_in(place: Path, instance: LoopbackSigstore) -> None:
    """Without a token a browser is opened, and who signs in there has signed."""
    script = place / "browser.py"
    script.write_text(FOLLOW)
    signed = weighbridge(place, *SIGN, BROWSER=f"{sys.executable} {script} %s &")
    assert signed.code == 0, signed.err
    assert signed.out.startswith("signed 3 files")
    assert verify(place, instance, identity=ADA).code == 0


def test_a_client_of_ones_own_signs_in(place: Path) -> None:
    """A client with a secret, which comes from a file, signs in; with a wrong one it does not."""
    script = place / "browser.py"
    script.write_text(FOLLOW)
    browser = f"{sys.executable} {script} %s &"
    (place / "secret").write_text("s3cret\n")
    flags = ("--client-id", "acme", "--client-secret-file", "secret")
    signed = weighbridge(place, *SIGN, *flags, BROWSER=browser)
    assert signed.code == 0, signed.err
    (place / "secret").write_text("wrong\n")
    (place / "model" / "model.sig").unlink()
    refused = weighbridge(place, *SIGN, *flags, BROWSER=browser)
    assert (refused.code, "service-failed" in refused.err) == (1, True)
    assert not (place / "model" / "model.sig").exists()


def test_out_of_band_shows_an_address(place: Path, instance: LoopbackSigstore) -> None:
    """Out of band the address is on standard error, results alone on standard output."""
    result = weighbridge(place, *SIGN, "--oauth_force_oob")
    assert (result.code, result.out) == (1, "")
    assert instance.issuer.url in result.err
    assert "nobody signed in" in result.err
    assert not (place / "model" / "model.sig").exists()


def test_a_job_of_a_ci_system_signs(place: Path, instance: LoopbackSigstore) -> None:
    """Ambient credentials sign as the workflow that the job belongs to."""
    signed = weighbridge(place, *SIGN, "--use-ambient-credentials", **instance.environment())
    assert signed.code == 0, signed.err
    assert "vouched for by: https://token.actions.githubusercontent.com" in signed.err


def test_an_expired_token_writes_nothing(place: Path, instance: LoopbackSigstore) -> None:
    """A signature that was there stays when signing again does not work."""
    assert weighbridge(place, *SIGN, *TOKEN).code == 0
    before = (place / "model" / "model.sig").read_bytes()
    (place / "token").write_text(instance.token(ADA, lifetime=timedelta(minutes=-1)))
    result = weighbridge(place, *SIGN, *TOKEN)
    assert (result.code, "identity-token" in result.err) == (10, True)
    assert (place / "model" / "model.sig").read_bytes() == before
    assert sorted(path.name for path in (place / "model").iterdir()) == [
        "config.json",
        "model.safetensors",
        "model.sig",
        "sub",
    ]


POLICY = """
version = 1
[trust.release]
method = "sigstore"
identity = "https://github.com/acme/models/.github/workflows/release.yml@refs/tags/*"
issuer = "https://token.actions.githubusercontent.com"
claims = {{ build-trigger = "{trigger}", source-repository-uri = "https://github.com/acme/models" }}
trusted-root = "trust.json"
trusted-root-sha256 = "{sha256}"
[[rule]]
match = ["model"]
boundary = ["load"]
formats = {{ allow = ["json", "text", "unknown", "safetensors"] }}
scan = {{ on-gap = "indeterminate" }}
signature = {{ any-of = ["release"] }}
"""


def check(place: Path, *, trigger: str = "push", sha256: str | None = None) -> Result:
    """Check the model against a policy that pins the trusted root."""
    pinned = sha256 or hashlib.sha256((place / "trust.json").read_bytes()).hexdigest()
    (place / "weighbridge.toml").write_text(POLICY.format(trigger=trigger, sha256=pinned))
    return weighbridge(place, "check", "model", "--policy", "weighbridge.toml")


@pytest.fixture
def released(place: Path, instance: LoopbackSigstore) -> Path:
    """Return a directory with a model that a workflow signed."""
    (place / "model" / "model.safetensors").write_bytes(safetensors_bytes())
    (place / "token").write_text(instance.workflow_token())
    assert weighbridge(place, *SIGN, *TOKEN).code == 0
    return place


def test_w18_a_policy_asks_for_claims_of_the_workflow(released: Path) -> None:
    """A policy accepts a workflow's signature by its tag and claims, and no other trigger's."""
    allowed = check(released)
    assert allowed.code == 0, allowed.out + allowed.err
    assert "release (sigstore https://github.com/acme/models" in allowed.out
    denied = check(released, trigger="pull_request")
    assert denied.code == 10
    assert "identity-mismatch" in denied.out


def test_w19_a_policy_pins_its_root(released: Path) -> None:
    """A trusted root that is not the one whose digest the policy pins decides nothing."""
    assert check(released).code == 0
    sha256 = hashlib.sha256((released / "trust.json").read_bytes()).hexdigest()
    (released / "trust.json").write_bytes((released / "trust.json").read_bytes() + b"\n")
    refused = check(released, sha256=sha256)
    assert refused.code == 10
    assert "the trusted root is another one" in refused.err + refused.out


def test_w19_a_policy_without_a_pin_reads_nothing_of_the_users_home(
    released: Path, instance: LoopbackSigstore
) -> None:
    """A refreshed root in the user's directory changes nothing of what a policy decides."""
    kept = released / "data" / "weighbridge" / "trust" / "public"
    kept.mkdir(parents=True, mode=0o700)
    shutil.copy(instance.trusted_root, kept / "trusted_root.json")
    (kept / "trusted_root.json").chmod(0o600)
    lines = POLICY.format(trigger="push", sha256="x").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("trusted-root"))
    (released / "weighbridge.toml").write_text(text)
    flags = ("check", "model", "--policy", "weighbridge.toml")
    result = weighbridge(released, *flags, XDG_DATA_HOME=str(released / "data"))
    assert result.code == 10
    assert "timestamp-required" in result.out


def test_nothing_is_trusted_that_others_can_write(place: Path, instance: LoopbackSigstore) -> None:
    """A refreshed root that others may write to is refused; a private one is used."""
    kept = place / "data" / "weighbridge" / "trust" / "public"
    kept.mkdir(parents=True, mode=0o700)
    shutil.copy(instance.trusted_root, kept / "trusted_root.json")
    (kept / "trusted_root.json").chmod(0o600)
    environment = {"XDG_DATA_HOME": str(place / "data")}
    shown = weighbridge(place, "trust", "show", **environment)
    assert instance.addresses.rekor in shown.out
    (kept / "trusted_root.json").chmod(0o666)
    refused = weighbridge(place, "trust", "show", **environment)
    assert (refused.code, "somebody else could have written" in refused.err) == (10, True)


def test_a_private_instances_root_is_fetched_and_told(
    place: Path, instance: LoopbackSigstore
) -> None:
    """trust update writes a private instance's root to a file, says what changed, and it is used."""
    config = json.loads(instance.trust_config.read_text())
    root = json.dumps(config["trustedRoot"]).encode()
    services = json.dumps(config["signingConfig"]).encode()
    with tuf_repository() as repository:
        repository.publish({"trusted_root.json": root, "signing_config.v0.2.json": services})
        (place / "root.json").write_bytes(repository.keys)
        update = ("trust", "update", "--tuf-url", repository.url, "--tuf-root", "root.json")
        home = {"XDG_DATA_HOME": str(place / "data")}
        assert weighbridge(place, *update, **home).code == 2
        first = weighbridge(place, *update, "--output", "mine.json", **home)
        assert first.code == 0, first.err
        sha256 = hashlib.sha256((place / "mine.json").read_bytes()).hexdigest()
        assert first.out.splitlines()[:3] == [
            "trusted root  mine.json",
            f"sha256        {sha256}",
            "before        none",
        ]
        again = weighbridge(place, *update, "--output", "mine.json", **home)
        assert again.out.splitlines()[-1] == "unchanged"
        document = config["trustedRoot"]
        document["tlogs"][0]["publicKey"]["validFor"]["end"] = "2131-01-01T00:00:00Z"
        repository.publish({"trusted_root.json": json.dumps(document).encode()})
        changed = weighbridge(place, *update, "--output", "other.json", **home)
        assert changed.code == 0
        shutil.copy(place / "mine.json", place / "other.json")
        told = weighbridge(place, *update, "--output", "other.json", "--format", "json", **home)
    (line,) = json.loads(told.out)["changes"]
    assert line.startswith("changed transparency log")
    assert line.endswith("until 2131-01-01")
    shutil.move(place / "mine.json", place / "trust.json")
    assert weighbridge(place, *SIGN, *TOKEN).code == 0
    assert verify(place, instance).code == 0


@pytest.mark.parametrize(
    "flags",
    [
        ("--tuf-url", "https://tuf.example"),
        ("--tuf-root", "root.json"),
        ("--use-staging", "--tuf-url", "https://tuf.example", "--tuf-root", "root.json"),
    ],
)
def test_a_repository_is_named_wholly(place: Path, flags: tuple[str, ...]) -> None:
    """A repository without its root of keys, and two instances at once, are wrong usage."""
    result = weighbridge(place, "trust", "update", *flags)
    assert (result.code, "the repository cannot be told" in result.err) == (2, True)


def test_a_method_that_cannot_verify_is_told(place: Path) -> None:
    """To verify with a method that only signs is wrong usage, and the message names the others."""
    result = weighbridge(place, "verify", "pkcs11-key", "model")
    assert (result.code, "weighbridge verify sigstore MODEL" in result.err) == (2, True)


def test_nothing_at_all_shows_help(place: Path) -> None:
    """sign and verify alone show what there is, and open no browser."""
    for command in ("sign", "verify"):
        result = weighbridge(place, command)
        assert "sigstore" in result.out + result.err
        assert weighbridge(place, command, "--help").code == 0


def test_an_interrupt_while_a_service_is_silent_leaves_nothing(
    place: Path, instance: LoopbackSigstore
) -> None:
    """Ctrl-C while a service does not answer ends the command, and the old signature stays."""
    assert weighbridge(place, *SIGN, *TOKEN).code == 0
    before = (place / "model" / "model.sig").read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = json.loads((place / "trust.json").read_text())
        port = silent.getsockname()[1]
        config["signingConfig"]["caUrls"][0]["url"] = f"http://127.0.0.1:{port}"
        (place / "silent.json").write_text(json.dumps(config))
        command = [sys.executable, "-m", "weighbridge", "sign", "model"]
        command += ["--trust-config", "silent.json", *TOKEN]
        process = subprocess.Popen(
            command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(1)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert "interrupted; nothing is left half-written" in err
    assert (place / "model" / "model.sig").read_bytes() == before
    assert not list((place / "model").glob(".weighbridge-*"))
