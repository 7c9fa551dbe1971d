"""The way through without a key: a workflow signs the model, and the check asks nobody."""

from typing import Final

from weighbridge.core.identity import SigstoreIdentity
from weighbridge.demo.instance.identity import GITHUB_ISSUER
from weighbridge.demo.keyless.workshop import RELEASE, KeylessWorkshop
from weighbridge.demo.scene import (
    INDENT,
    Scene,
    UnexpectedError,
    expect_allow,
    say,
    show_command,
    show_lines,
    show_verdict,
)
from weighbridge.demo.scenes import CHECK, check_it, inspect_it, use_it
from weighbridge.signing.sigstore.certificate import load_signing_certificate, read_signer
from weighbridge.signing.sigstore.material import SigstoreMaterial


def show_instance(shop: KeylessWorkshop) -> None:
    """Say what is running, and that nobody should trust it."""
    addresses = shop.instance.addresses
    say(
        shop.console,
        "Nobody here has a key. Who signs shows a token of an identity provider to a certificate "
        "authority, gets a certificate for ten minutes, and enters the signature into a log.",
    )
    show_lines(
        shop.console,
        "RUNNING ",
        [
            f"{addresses.oidc} gives tokens",
            f"{addresses.fulcio} gives certificates for them",
            f"{addresses.rekor} keeps the log",
            f"{addresses.tsa} says when",
        ],
    )
    say(
        shop.console,
        "It is a test instance on this machine: its keys are minutes old, it gives anybody a "
        "token for anything, and it plays the issuer of GitHub. Never trust it elsewhere.",
    )


def sign_it(shop: KeylessWorkshop) -> None:
    """Sign the model as the workflow that publishes it would."""
    console = shop.console
    say(console, "In the workflow that publishes the model, with its token around it:")
    show_command(
        console,
        "weighbridge sign sigstore model --use-ambient-credentials "
        f"--trust-config {shop.trust_config} --no-ignore-git-paths",
    )
    result = shop.sign_as(shop.instance.workflow_token(RELEASE))
    files = [path for path in shop.model.rglob("*") if path.is_file() and path != shop.signature]
    if result.files != len(files) or result.left_out:
        raise UnexpectedError(f"expected {len(files)} files to be signed, found {result.files}")
    show_lines(
        console,
        "SIGNED  ",
        [f"{result.files} files, written to model/{shop.signature.name} (OpenSSF Model Signing)"],
    )
    bundle = shop.signed()
    material = bundle.material
    if not isinstance(material, SigstoreMaterial):
        raise UnexpectedError(f"expected a keyless signature, found one by {bundle.method}")
    where = shop.signature.name
    certificate = load_signing_certificate(material.certificate, where=where)
    signer = read_signer(certificate, where=where)
    lived = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    show_lines(
        console,
        "INSIDE  ",
        [
            f"a certificate for {signer.name}",
            f"by the word of {signer.issuer}, valid for {lived}",
            f"entry {material.entry.index} of the log, with its proof",
            f"{len(bundle.timestamps)} timestamp",
        ],
    )
    if signer.name != RELEASE.identity or signer.issuer != GITHUB_ISSUER:
        raise UnexpectedError(f"expected {RELEASE.identity}, found {signer.name}")


def write_policy(shop: KeylessWorkshop) -> None:
    """Write what the loader's side asks of the model."""
    say(
        shop.console,
        "The loader's side writes whom it expects, by whose word, and under which root:",
    )
    text = shop.policy_text()
    for line in text.strip().splitlines():
        shop.console.write(f"{INDENT}  {line}".rstrip())
    shop.policy.write_text(text, encoding="utf-8")


def check_offline(shop: KeylessWorkshop) -> None:
    """Check the signed model against the policy, and count what the instance is asked."""
    before = shop.instance.requests
    check_it(shop)
    asked = shop.instance.requests - before
    show_lines(
        shop.console, "OFFLINE ", [f"{asked} requests to the instance: the proofs are there"]
    )
    if asked:
        raise UnexpectedError(f"expected a check that asks nobody, found {asked} requests")


def switch_off(shop: KeylessWorkshop) -> None:
    """Check once more after all attacks were undone, and after the instance has ended."""
    say(shop.console, "Every attack was undone, and the instance is gone. The proofs are not:")
    shop.switch_off()
    show_command(shop.console, CHECK)
    verdict = shop.check()
    show_verdict(shop.console, verdict)
    expect_allow(verdict)
    signers = [evidence.identity for evidence in verdict.signers]
    if not any(isinstance(s, SigstoreIdentity) and s.name == RELEASE.identity for s in signers):
        raise UnexpectedError(f"expected {RELEASE.identity} as the signer")


PASSAGE: Final[tuple[Scene[KeylessWorkshop], ...]] = (
    Scene(title="A model arrives. What is in it?", play=inspect_it, needed=True),
    Scene(title="A Sigstore instance to sign with", play=show_instance, needed=True),
    Scene(title="A workflow signs, without a key", play=sign_it, needed=True),
    Scene(title="A policy", play=write_policy, needed=True),
    Scene(title="The check before loading", play=check_offline, needed=True),
    Scene(title="Loading the verified bytes", play=use_it, needed=True),
)
"""In the order of the story."""

ENDING: Final[Scene[KeylessWorkshop]] = Scene(
    title="All attacks undone, the instance switched off", play=switch_off
)
