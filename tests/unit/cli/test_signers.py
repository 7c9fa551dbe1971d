"""Tests of the options by which a command that is about something else names a signer."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from support.pki import AUTHORITY, Plan, curve_key, private_pem, root
from weighbridge.cli.signers import Signing, signer_from, signer_options
from weighbridge.cli.terminal import Session
from weighbridge.core.errors import KeyRejectedError, UsageError
from weighbridge.core.identity import SigningMethod
from weighbridge.signing.interface import Signer
from weighbridge.signing.pkcs11.uri import TokenUri

KEY = "key.pem"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LONG_HENCE = datetime(2120, 1, 1, tzinfo=UTC)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a directory with a key, and with that key's certificate and its issuer."""
    key = curve_key(number=7)
    (tmp_path / KEY).write_bytes(private_pem(key))
    above = root(replace(AUTHORITY, not_before=LONG_AGO, not_after=LONG_HENCE))
    leaf = above.issue(Plan(not_before=LONG_AGO, not_after=LONG_HENCE), key=key)
    (tmp_path / "leaf.pem").write_bytes(leaf.pem)
    (tmp_path / "root.pem").write_bytes(above.pem)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WEIGHBRIDGE_IDENTITY_TOKEN", raising=False)
    monkeypatch.delenv("WEIGHBRIDGE_PASSWORD", raising=False)
    return tmp_path


def signer_for(*arguments: str) -> Signer | None:
    """Return the signer that a command with the options makes of *arguments*."""
    made: list[Signer | None] = []

    @click.command()
    @click.argument("reference")
    @signer_options
    @click.pass_obj
    def command(session: Session, *, reference: str, signing: Signing) -> None:
        assert reference == "model"
        made.append(signer_from(session, signing))

    result = CliRunner().invoke(
        command, ["model", *arguments], obj=Session(), catch_exceptions=False, standalone_mode=False
    )
    assert result.exit_code == 0, result.output
    return made[0]


@pytest.mark.usefixtures("place")
def test_without_an_option_there_is_no_signer() -> None:
    """Where nothing names a signer there is none, and the command decides what that means."""
    assert signer_for() is None


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("arguments", "method"),
    [
        (["--private-key", KEY], SigningMethod.KEY),
        (["--private-key", KEY, "--signing-certificate", "leaf.pem"], SigningMethod.CERTIFICATE),
        (
            [
                *("--private-key", KEY, "--signing-certificate", "leaf.pem"),
                *("--certificate-chain", "root.pem"),
            ],
            SigningMethod.CERTIFICATE,
        ),
        (["--private-key", KEY, "--timestamp-url", "http://127.0.0.1:9/"], SigningMethod.KEY),
        (["--keyless", "--identity-token-file", KEY], SigningMethod.SIGSTORE),
        (["--use-ambient-credentials"], SigningMethod.SIGSTORE),
    ],
)
def test_the_method_follows_from_what_is_given(
    arguments: list[str], method: SigningMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key, a certificate beside it, and an identity each give a signer of their own method."""
    monkeypatch.setattr("weighbridge.cli.signers.keyless_signer", lambda *_: Keyless())
    signer = signer_for(*arguments)
    assert signer is not None
    assert signer.method is method


class Keyless:
    """Stands for a signer that would ask an identity provider."""

    method = SigningMethod.SIGSTORE

    def sign(self, statement: bytes, /) -> bytes:
        """Return nothing of use: nobody asks."""
        return statement


@pytest.mark.usefixtures("place")
def test_a_token_in_the_environment_names_a_keyless_signer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An identity token in the environment is a signer where no key is named, and only there."""
    monkeypatch.setattr("weighbridge.cli.signers.keyless_signer", lambda *_: Keyless())
    monkeypatch.setenv("WEIGHBRIDGE_IDENTITY_TOKEN", "a token")
    assert isinstance(signer_for(), Keyless)
    with_key = signer_for("--private-key", KEY)
    assert with_key is not None
    assert with_key.method is SigningMethod.KEY


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    "arguments",
    [
        ["--private-key", KEY, "--pkcs11-uri", "pkcs11:object=a"],
        ["--private-key", KEY, "--keyless"],
        ["--private-key", KEY, "--use-ambient-credentials"],
        ["--private-key", KEY, "--trust-config", KEY],
        ["--pkcs11-uri", "pkcs11:object=a", "--identity-token", "x"],
        ["--pkcs11-uri", "pkcs11:object=a", "--password", "x"],
        ["--pkcs11-uri", "pkcs11:object=a", "--allow-nonstandard-keys"],
        ["--keyless", "--signing-certificate", "leaf.pem"],
        ["--keyless", "--timestamp-url", "http://127.0.0.1:9/"],
        ["--password-file", KEY],
        ["--pin-file", KEY],
        ["--signing-certificate", "leaf.pem"],
        ["--timestamp-url", "http://127.0.0.1:9/"],
        ["--private-key", KEY, "--pin-file", KEY],
        ["--private-key", KEY, "--certificate-chain", "root.pem"],
        ["--private-key", KEY, "--timestamp-certificate-chain", "root.pem"],
        [
            *("--private-key", KEY, "--signing-certificate", "leaf.pem"),
            "--allow-nonstandard-keys",
        ],
        ["--keyless", "--use-staging", "--trust-config", KEY],
        ["--keyless", "--use-ambient-credentials", "--identity-token", "x"],
    ],
)
def test_options_that_contradict_each_other_are_refused(arguments: list[str]) -> None:
    """What cannot be meant is wrong use, whichever option comes first."""
    with pytest.raises(UsageError):
        signer_for(*arguments)
    with pytest.raises(UsageError):
        signer_for(*_reversed(arguments))


def _reversed(arguments: list[str]) -> list[str]:
    pairs: list[list[str]] = []
    for argument in arguments:
        if argument.startswith("--"):
            pairs.append([argument])
        else:
            pairs[-1].append(argument)
    return [part for pair in reversed(pairs) for part in pair]


@pytest.mark.usefixtures("place")
def test_a_certificate_of_another_key_is_refused_before_anything_is_signed() -> None:
    """The options are held against each other when the signer is made, not when it signs."""
    Path("other.pem").write_bytes(private_pem(curve_key(number=8)))
    with pytest.raises(KeyRejectedError):
        signer_for("--private-key", "other.pem", "--signing-certificate", "leaf.pem")


@pytest.mark.usefixtures("place")
def test_the_options_do_not_show_their_secrets() -> None:
    """What a traceback or a log shows of the options has no password in it."""
    seen: list[str] = []

    @click.command()
    @signer_options
    def command(*, signing: Signing) -> None:
        seen.append(repr(signing))

    CliRunner().invoke(command, ["--private-key", KEY, "--password", "hush"])
    assert seen == ["Signing(...)"]


@pytest.mark.parametrize("certified", [False, True])
def test_a_key_in_a_token_is_tried_with_what_belongs_to_it(
    place: Path, monkeypatch: pytest.MonkeyPatch, certified: bool
) -> None:
    """The token's signer gets the URI, the PIN of the file and the certificate's chain."""
    seen: list[dict[str, object]] = []

    class Token(Keyless):
        def __init__(self, uri: TokenUri, **what: object) -> None:
            seen.append({"label": uri.label, **what})

    monkeypatch.setattr("weighbridge.signing.pkcs11.signer.TokenSigner", Token)
    (place / "pin").write_text("482613\n")
    more = ["--signing-certificate", "leaf.pem"] if certified else []
    assert signer_for("--pkcs11-uri", "pkcs11:object=a", "--pin-file", "pin", *more) is not None
    (given,) = seen
    assert (given["label"], given["pin"]) == ("a", b"482613")
    assert ("chain" in given) is certified
