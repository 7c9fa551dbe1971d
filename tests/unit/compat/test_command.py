"""The reference's command line: what it prints, its exit codes, and what stays stricter."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

import weighbridge as wb
from support.pki import AUTHORITY, Plan, curve_key, intermediate_plan, private_pem, root
from support.publisher import make_workplace
from weighbridge.compat import drop_in
from weighbridge.compat.model_signing import operation, verifying
from weighbridge.compat.model_signing.command import main
from weighbridge.core.codes import Code
from weighbridge.core.errors import SignatureRejectedError
from weighbridge.inventory.take import InventoryPlan, take_inventory
from weighbridge.signing.manifest import make_statement
from weighbridge.signing.statement import render_statement
from weighbridge.sources.local import locate

BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
URIS = ("spiffe://example.org/a", "spiffe://example.org/b")
CERTIFIED = ("--certificate_chain", "root.pem", "--signature", "model.sig", "model")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current directory: a model, keys, and a certificate with its authority."""
    make_workplace(tmp_path)
    authority = root(replace(AUTHORITY, not_before=BEGIN, not_after=END))
    between = authority.issue(
        replace(intermediate_plan(), not_before=BEGIN, not_after=END), key=curve_key(number=8)
    )
    names = tuple(x509.UniformResourceIdentifier(uri) for uri in URIS)
    leaf = between.issue(Plan(not_before=BEGIN, not_after=END, names=names), key=curve_key())
    for name, issued in (("root", authority), ("int", between), ("leaf", leaf)):
        (tmp_path / f"{name}.pem").write_bytes(issued.pem)
    (tmp_path / "leaf.key").write_bytes(private_pem(curve_key()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Give a function that runs the command and returns exit code, output and talk."""

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(arguments)
        printed = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return left.value.code, printed.out, printed.err

    return run


Call = Callable[..., tuple[int, str, str]]
SIGN_KEY = ("sign", "key", "--private_key", "publisher.key")


def test_a_signature_goes_to_the_current_directory(place: Path, call: Call) -> None:
    """Without a path the signature is `model.sig` here, and not in the model."""
    assert call(*SIGN_KEY, "model") == (0, "Signing succeeded\n", "")
    assert (place / "model.sig").exists()
    assert not (place / "model" / "model.sig").exists()


@pytest.mark.parametrize("style", ["_", "-"])
def test_both_ways_of_writing_flags(place: Path, call: Call, style: str) -> None:
    """Flags are read with `_` and with `-`."""
    del place
    key, public = f"--private{style}key", f"--public{style}key"
    assert call("sign", "key", key, "publisher.key", "model")[0] == 0
    code, out, _ = call(
        "verify", "key", "--signature", "model.sig", public, "publisher.pub", "model"
    )
    assert (code, out) == (0, "Verification succeeded\n")


def test_a_failure_has_the_exit_code_of_the_reference(place: Path, call: Call) -> None:
    """Whatever does not verify leaves with 1, and the message says what and with which code."""
    assert call(*SIGN_KEY, "model")[0] == 0
    verify = ("verify", "key", "--signature", "model.sig", "--public_key")
    code, out, err = call(*verify, "stranger.pub", "model")
    assert (code, out) == (1, "")
    assert err.startswith("Verification failed with error: ")
    assert "[key-mismatch]" in err
    (place / "model" / "added").write_text("x")
    assert call(*verify, "publisher.pub", "model")[0] == 1
    assert call(*verify, "publisher.pub", "--ignore_unsigned_files", "model")[0] == 0
    assert call(*verify, "publisher.pub", "--ignore-paths", "model/added", "model")[0] == 0
    assert call(*verify, "nowhere.pub", "model")[0] == 1
    code, out, err = call("sign", "key", "--private_key", "publisher.pub", "model")
    assert (code, out) == (1, "")
    assert err.startswith("Signing failed with error: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("sign", "key", "model"),
        ("verify", "key", "--public_key", "publisher.pub", "model"),
        ("verify", "pkcs11-key", "model"),
        ("nothing",),
        (*SIGN_KEY, "--no-such-flag", "model"),
    ],
)
def test_wrong_usage(place: Path, call: Call, arguments: tuple[str, ...]) -> None:
    """A missing or unknown argument leaves with 2, as in the reference."""
    del place
    assert call(*arguments)[0] == 2


@pytest.mark.parametrize("name", ["model.other.sig", "model.claims.jsonl", "model.sig"])
def test_what_the_signer_did_not_list_is_a_file_like_any_other(
    place: Path, call: Call, name: str
) -> None:
    """Signatures and claims that were added are refused unless somebody leaves them out."""
    assert call(*SIGN_KEY, "--signature", "elsewhere.sig", "model")[0] == 0
    verify = ("verify", "key", "--signature", "elsewhere.sig", "--public_key", "publisher.pub")
    assert call(*verify, "model")[0] == 0
    listed = name != "model.other.sig"
    if listed:
        # Our signer lists these: take them out of the list, as other signers do.
        sign_with_empty_list(place)
        assert call(*verify, "model")[0] == 0
    (place / "model" / name).write_bytes((place / "elsewhere.sig").read_bytes())
    code, out, talk = call(*verify, "model")
    assert (code, out) == (1, "")
    assert name in talk
    assert "[file-not-covered]" in talk
    with pytest.raises(ValueError, match="neither covers nor lists"):
        verifying.Config().use_elliptic_key_verifier(public_key="publisher.pub").verify(
            "model", "elsewhere.sig"
        )
    for leave_out in (("--ignore_paths", f"model/{name}"), ("--ignore_unsigned_files",)):
        assert call(*verify, *leave_out, "model")[0] == 0
    inside = ("verify", "key", "--signature", f"model/{name}", "--public_key", "publisher.pub")
    assert call(*inside, "model")[0] == 0


def sign_with_empty_list(place: Path) -> None:
    """Sign the model into `elsewhere.sig` with a statement that lists nothing as left out."""
    inventory = take_inventory(locate(place / "model"), InventoryPlan())
    layout = wb.HashLayout()
    statement = make_statement(inventory, layout, ignored=(), allow_symlinks=False)
    signer = wb.KeySigner.from_pem((place / "publisher.key").read_bytes())
    (place / "elsewhere.sig").write_bytes(signer.sign(render_statement(statement)))


def test_a_password_is_handed_on(place: Path, call: Call) -> None:
    """An encrypted key is used with its password, and not with another."""
    (place / "locked.key").write_bytes(private_pem(curve_key(), password=b"secret"))
    sign = ("sign", "key", "--private_key", "locked.key", "--password")
    assert call(*sign, "secret", "model")[:2] == (0, "Signing succeeded\n")
    assert call(*sign, "wrong", "model")[0] == 1


def test_a_certificate_without_an_identity_warns(place: Path, call: Call) -> None:
    """As in the reference any subject of the root passes, but a warning says so."""
    (place / "model" / "ignored").write_text("x")
    sign = ("sign", "certificate", "--private_key", "leaf.key", "--signing_certificate", "leaf.pem")
    more = ("--certificate_chain", "int.pem", "--ignore-paths", "model/ignored")
    assert call(*sign, *more, "model")[0] == 0
    ignored = ("--ignore-paths", "model/ignored")
    code, out, err = call("verify", "certificate", *ignored, *CERTIFIED)
    assert (code, out) == (0, "Verification succeeded\n")
    assert "any subject of these roots is accepted" in err
    code, _, err = call("verify", "certificate", *ignored, "--log_fingerprints", *CERTIFIED)
    assert code == 0
    assert "root         sha256:" in err


@pytest.mark.parametrize(
    ("uris", "code"), [(URIS[:1], 0), (URIS, 0), ((URIS[0], "spiffe://x"), 1), (("x",), 1)]
)
def test_every_uri_that_is_asked_for(
    place: Path, call: Call, uris: tuple[str, ...], code: int
) -> None:
    """Each URI that is asked for has to be in the certificate, not only the first."""
    del place
    sign = ("sign", "certificate", "--private_key", "leaf.key", "--signing_certificate", "leaf.pem")
    assert call(*sign, "--certificate_chain", "int.pem", "model")[0] == 0
    asked = [argument for uri in uris for argument in ("--san-uri", uri)]
    assert call("verify", "certificate", *asked, *CERTIFIED)[0] == code


def test_the_authorities_of_web_sites_are_no_roots(place: Path, call: Call) -> None:
    """Without a root nothing verifies, whoever signed."""
    del place
    assert call(*SIGN_KEY, "model")[0] == 0
    code, _, err = call("verify", "certificate", "--signature", "model.sig", "model")
    assert code == 1
    assert "--certificate_chain" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("sign", "sigstore", "--instance", "https://tuf.example", "model"),
        ("trust-instance", "--instance", "https://tuf.example", "root.json"),
        (
            *("verify", "sigstore", "--signature", "model.sig", "--identity", "a@example.org"),
            *("--identity-provider", "https://issuer.example", "--instance", "https://t.example"),
            "model",
        ),
    ],
)
def test_instances_by_url_are_refused(place: Path, call: Call, arguments: tuple[str, ...]) -> None:
    """What would believe the first answer of a server says what to give instead."""
    del place
    code, out, err = call(*arguments)
    assert (code, out) == (1, "")
    assert "--trust_config" in err


def test_no_method_means_sigstore(place: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model in the place of a method is one for Sigstore, with every flag handed on."""
    del place
    seen: list[list[str]] = []

    def note(arguments: list[str], **options: object) -> int:
        seen.append(arguments)
        return 0

    monkeypatch.setattr(operation, "sign", note)
    monkeypatch.setattr(operation, "verify", note)
    assert (
        call("sign", "model", "--use_staging", "--identity_token", "T", "--client_id", "I")[0] == 0
    )
    identity = ("--identity", "me", "--identity_provider", "https://i.example")
    assert call("verify", "model", "--signature", "s", *identity)[0] == 0
    sign, verify = seen
    assert sign[0] == verify[0] == "sigstore"
    assert {"--use-staging", "--identity-token=T", "--client-id=I", "model"} < set(sign)
    assert {"--identity=me", "--identity-provider=https://i.example", "--signature=s"} < set(verify)
    assert "--ignore-unsigned-files" not in verify


def test_a_token_s_pin_leaves_the_arguments(
    place: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A PIN in the URI is handed on by the environment, with a warning."""
    del place
    seen: list[list[str]] = []
    monkeypatch.setenv("WEIGHBRIDGE_PIN", "another")

    def note(arguments: list[str]) -> int:
        seen.append([*arguments, os.environ["WEIGHBRIDGE_PIN"]])
        return 0

    monkeypatch.setattr(operation, "sign", note)
    uri = "pkcs11:token=t;object=o?pin-value=1234"
    code, _, err = call("sign", "pkcs11-key", "--pkcs11_uri", uri, "model")
    assert code == 0
    assert "other users can see a PIN" in err
    certificate = ("--signing_certificate", "leaf.pem", "--certificate_chain", "int.pem")
    bare = uri.partition("?")[0]
    assert call("sign", "pkcs11-certificate", "--pkcs11_uri", bare, *certificate, "model")[0] == 0
    assert seen[0][0] == "pkcs11-key"
    assert seen[0][-1] == "1234"
    assert not any("1234" in argument for argument in seen[0][:-1])
    assert {"--signing-certificate=leaf.pem", "--certificate-chain=int.pem"} < set(seen[1])


def test_a_library_outside_the_given_places_is_refused(place: Path, call: Call) -> None:
    """The library of a token has to be where it may be."""
    uri = "pkcs11:token=t;object=o?module-name=softhsm2"
    arguments = ("sign", "pkcs11-key", "--pkcs11_uri", uri, "--module-paths", str(place), "model")
    code, _, err = call(*arguments)
    assert code == 1
    assert "not where it may be" in err


def test_the_digest_is_that_of_a_signature(place: Path, call: Call) -> None:
    """`digest` prints the root digest that signing states, for the same selection."""
    (place / "model" / ".gitignore").write_text("*\n")
    (place / "model" / "left").write_text("x")
    signer = wb.KeySigner.from_pem((place / "publisher.key").read_bytes())
    selection = wb.FileSelection(ignore_paths=("model/left",))
    root_digest = wb.sign("model", signer=signer, selection=selection).root
    ignored = ("--ignore-paths", "model/left", "model")
    assert call("digest", *ignored) == (0, f"{root_digest}\n", "")
    assert call("digest", "--no-ignore-git-paths", *ignored)[1] != f"{root_digest}\n"
    (place / "model" / "empty").mkdir()
    code, out, err = call("digest", *ignored)
    assert (code, out) == (1, "")
    assert "empty" in err


def test_an_old_signature_is_read_with_a_warning(
    place: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only the old form can be is read as that, and a warning says so."""
    del place
    asked: list[bool] = []

    def run(arguments: list[str], *, quiet: bool) -> str:
        asked.append("--allow-legacy" in arguments)
        if not asked[-1]:
            raise SignatureRejectedError("old", code=Code.LEGACY_REFUSED)
        return '{"identity": {}, "covered": [], "uncovered": [], "claimed_ignore_paths": []}'

    monkeypatch.setattr(operation, "_run", run)
    verify = ("verify", "key", "--public_key", "publisher.pub", "--signature", "s", "model")
    code, _, err = call(*verify)
    assert code == 0
    assert asked == [False, True]
    assert "before 1.0" in err


def test_an_unexpected_error_is_a_failure(
    place: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash is never a success."""
    del place

    def run(arguments: list[str], *, quiet: bool) -> str:
        raise RuntimeError(f"{len(arguments)} arguments")

    monkeypatch.setattr(operation, "_run", run)
    code, out, err = call(*SIGN_KEY, "model")
    assert (code, out) == (1, "")
    assert "RuntimeError" in err


def test_help_and_version(place: Path, call: Call) -> None:
    """Help and version are there, and say who answers."""
    del place
    assert call("--version")[1].startswith("model_signing, weighbridge ")
    assert "PKI_METHOD" in call("sign", "-h")[1]
    assert call("--log-level", "nonsense", "sign")[0] == 2
    assert call("--log-level", "debug", *SIGN_KEY, "model")[0] == 0


def test_the_drop_in_directory_holds_the_module() -> None:
    """The directory for PYTHONPATH has a package `model_signing` that can be run."""
    package = Path(drop_in.PATH) / "model_signing"
    assert (package / "__init__.py").is_file()
    assert (package / "__main__.py").is_file()
