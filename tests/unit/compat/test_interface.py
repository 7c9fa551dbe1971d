"""The reference's Python interface: the same classes, made of our operations."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

import weighbridge as wb
from support.pki import AUTHORITY, Plan, curve_key, private_pem, root
from support.publisher import make_workplace
from weighbridge.compat.drop_in import PATH
from weighbridge.compat.model_signing import hashing, operation, signing, verifying

BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
URI = "https://example.org/release"
SIGNATURE = "model/model.sig"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current directory: a model, keys, and a certificate with its authority."""
    make_workplace(tmp_path)
    authority = root(replace(AUTHORITY, not_before=BEGIN, not_after=END))
    names = (x509.UniformResourceIdentifier(URI),)
    leaf = authority.issue(Plan(not_before=BEGIN, not_after=END, names=names), key=curve_key())
    (tmp_path / "root.pem").write_bytes(authority.pem)
    (tmp_path / "leaf.pem").write_bytes(leaf.pem)
    (tmp_path / "leaf.key").write_bytes(private_pem(curve_key()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sign(config: hashing.Config | None = None) -> None:
    """Sign with the publisher's key."""
    signer = signing.Config().use_elliptic_key_signer(private_key="publisher.key")
    signer.set_hashing_config(config or hashing.Config()).sign("model", SIGNATURE)


def verify(config: hashing.Config | None = None, *, unsigned: bool = False) -> None:
    """Verify with the publisher's key."""
    verifier = verifying.Config().use_elliptic_key_verifier(public_key="publisher.pub")
    verifier.set_hashing_config(config or hashing.Config())
    verifier.set_ignore_unsigned_files(unsigned).verify("model", SIGNATURE)


def layout() -> wb.HashLayout:
    """Return how the signature that is there digests files."""
    verifier = wb.KeyVerifier.from_pem(Path("publisher.pub").read_bytes())
    return wb.verify("model", verifier=verifier).layout


LAYOUTS: dict[str, tuple[Callable[[hashing.Config], object], wb.HashLayout]] = {
    "default": (lambda config: config, wb.HashLayout()),
    "blake2": (
        lambda config: config.use_file_serialization(hashing_algorithm="blake2"),
        wb.HashLayout(wb.HashAlgorithm.BLAKE2B),
    ),
    "shards": (
        lambda config: config.use_shard_serialization(shard_size=64),
        wb.HashLayout(shard_size=64),
    ),
    "blake3 has no shards": (
        lambda config: config.use_shard_serialization(hashing_algorithm="blake3"),
        wb.HashLayout(wb.HashAlgorithm.BLAKE3),
    ),
}


@pytest.mark.parametrize(("choose", "wanted"), LAYOUTS.values(), ids=LAYOUTS)
def test_models_are_signed_and_verified(
    place: Path, choose: Callable[[hashing.Config], object], wanted: wb.HashLayout
) -> None:
    """What one class signs the other verifies, in the chosen layout, until a file changes."""
    config = hashing.Config()
    choose(config)
    sign(config)
    assert layout() == wanted
    verify()
    (place / "model" / "config.json").write_text("{}")
    with pytest.raises(ValueError, match=r"config\.json"):
        verify()


def test_paths_to_leave_out_are_the_models(place: Path) -> None:
    """Paths are relative to the model, wherever the caller is, and more can be added."""
    (place / "model" / "config.txt").write_text("x")
    (place / "model" / "other.txt").write_text("x")
    config = hashing.Config().set_ignored_paths(paths=["config.txt"], ignore_git_paths=False)
    config.add_ignored_paths(model_path="model", paths=["other.txt"])
    sign(config)
    verify(config)
    with pytest.raises(ValueError, match=r"config\.txt"):
        verify()
    verify(unsigned=True)


def test_links(place: Path) -> None:
    """A link counts as the file where both sides say so."""
    (place / "model" / "link").symlink_to("config.json")
    with pytest.raises(ValueError, match="link"):
        sign()
    config = hashing.Config().set_allow_symlinks(True)
    sign(config)
    verify(config)


def test_certificates(place: Path) -> None:
    """Each URI that is expected has to be in the certificate; without a root nothing verifies."""
    del place
    signing.Config().use_certificate_signer(
        private_key="leaf.key", signing_certificate="leaf.pem", certificate_chain=["root.pem"]
    ).sign("model", SIGNATURE)

    def verified(*uris: str) -> None:
        config = verifying.Config().use_certificate_verifier(
            certificate_chain=["root.pem"], log_fingerprints=True, expected_san_uris=uris
        )
        config.verify("model", SIGNATURE)

    verified()
    verified(URI)
    with pytest.raises(ValueError, match="identity-mismatch"):
        verified(URI, "https://example.org/else")
    with pytest.raises(ValueError, match="no trusted root"):
        verifying.Config().use_certificate_verifier()


def test_somebody_has_to_be_configured(place: Path) -> None:
    """Without a signer or verifier there is nothing to do."""
    del place
    with pytest.raises(ValueError, match="no signer"):
        signing.Config().sign("model", SIGNATURE)
    with pytest.raises(ValueError, match="no verifier"):
        verifying.Config().verify("model", SIGNATURE)


def test_a_password(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An encrypted key needs its password, and nothing is printed."""
    (place / "locked.key").write_bytes(private_pem(curve_key(), password=b"secret"))
    config = signing.Config().use_elliptic_key_signer(private_key="locked.key", password="secret")
    config.sign("model", SIGNATURE)
    with pytest.raises(ValueError, match="key-password"):
        config.use_elliptic_key_signer(private_key="locked.key", password="x").sign("model", "s")
    assert capsys.readouterr() == ("", "")


def test_what_is_handed_on(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens and identities become the flags of the command, a PIN becomes none."""
    del place
    seen: list[list[str]] = []
    monkeypatch.setenv("WEIGHBRIDGE_PIN", "another")

    def note(arguments: Sequence[str], **options: object) -> str:
        seen.append(list(arguments))
        return "{}"

    monkeypatch.setattr(operation, "run_sign", note)
    monkeypatch.setattr(operation, "run_verify", note)
    uri = "pkcs11:token=t;object=o?pin-value=1234"
    signing.Config().use_pkcs11_signer(pkcs11_uri=uri).sign("model", "s")
    signing.Config().use_pkcs11_certificate_signer(
        pkcs11_uri=uri, signing_certificate="leaf.pem", certificate_chain=["root.pem"]
    ).sign("model", "s")
    signing.Config().use_sigstore_signer(
        use_ambient_credentials=True, identity_token="T", trust_config="t.json"
    ).sign("model", "s")
    signing.sign("model", "s")
    verifying.Config().use_sigstore_verifier(
        identity="me", oidc_issuer="https://i.example", use_staging=True, trust_config="t.json"
    ).verify("model", "s")
    token, certified, keyless, default, verified = seen
    assert token[:2] == ["pkcs11-key", "--pkcs11-uri=pkcs11:token=t;object=o"]
    assert certified[2:4] == ["--signing-certificate=leaf.pem", "--certificate-chain=root.pem"]
    assert {"--use-ambient-credentials", "--identity-token=T", "--trust-config=t.json"} < set(
        keyless
    )
    assert default[:2] == ["sigstore", "--signature=s"]
    assert {"--identity=me", "--identity-provider=https://i.example", "--use-staging"} < set(
        verified
    )
    assert not any("1234" in argument for arguments in seen for argument in arguments)


def test_what_is_not_handed_on(place: Path) -> None:
    """A provider of its own, and a library outside the given places, are refused."""
    del place
    with pytest.raises(ValueError, match="trust_config"):
        signing.Config().use_sigstore_signer(oidc_issuer="https://i.example")
    with pytest.raises(ValueError, match="not where it may be"):
        signing.Config().use_pkcs11_signer(
            pkcs11_uri="pkcs11:token=t;object=o?module-name=m", module_paths=["."]
        )


def test_programs_import_it_by_the_reference_s_name(place: Path) -> None:
    """With the drop-in directory a program's `import model_signing` signs and verifies here."""
    program = (
        "import model_signing\n"
        "model_signing.signing.Config().use_elliptic_key_signer("
        "private_key='publisher.key').sign('model', 'model/model.sig')\n"
        "model_signing.verifying.Config().use_elliptic_key_verifier("
        "public_key='publisher.pub').verify('model', 'model/model.sig')\n"
        "print(model_signing.__version__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=place,
        env={"PYTHONPATH": PATH, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "1.1.1\n", "")
