"""What choosing a method costs at start-up."""

import subprocess
import sys
from pathlib import Path

import pytest

from support.pki import curve_key, public_pem


def modules_after(statement: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after *statement*."""
    code = f"{statement}; import sys; print('\\n'.join(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    return set(result.stdout.split())


def test_the_key_method_loads_no_certificate_code() -> None:
    """Keys are read and signatures verified without X.509; the certificate method needs it."""
    assert "cryptography.x509" not in modules_after("import weighbridge.signing.key")
    assert "cryptography.x509" in modules_after("import weighbridge.signing.certificate")


def test_reading_signatures_loads_no_cryptography() -> None:
    """Bundles, statements and coverage are read and compared without any cryptography."""
    loaded = modules_after(
        "import weighbridge.signing.bundle, weighbridge.signing.coverage, "
        "weighbridge.signing.identity, weighbridge.signing.interface"
    )
    assert "cryptography" not in loaded


def test_reading_keyless_signatures_loads_nothing_of_sigstore() -> None:
    """Signature files of every method are read without the packages that verify keyless ones."""
    loaded = modules_after(
        "import weighbridge.signing.bundle, weighbridge.signing.sigstore.expected, weighbridge"
    )
    assert not {"sigstore", "requests", "pydantic", "tuf"} & loaded
    assert "sigstore" in modules_after("import weighbridge.signing.sigstore.verification")


@pytest.mark.parametrize(
    "arguments",
    ["--help", "sign --help", "sign key --help", "verify sigstore --help", "trust update --help"],
)
def test_help_loads_nothing_of_sigstore(arguments: str) -> None:
    """Help, of the keyless method too, costs nothing of what the method needs."""
    loaded = modules_after(f"from weighbridge.cli.main import run; run({arguments.split()!r})")
    assert not {"sigstore.models", "requests", "pydantic", "tuf"} & loaded


def test_policies_with_keys_load_nothing_of_sigstore(tmp_path: Path) -> None:
    """A check against a policy with key signers does without the keyless method."""
    (tmp_path / "k.pub").write_bytes(public_pem(curve_key()))
    (tmp_path / "weighbridge.toml").write_text(
        "version = 1\n[trust.k]\nmethod = 'key'\npublic-key = 'k.pub'\n"
        "[[rule]]\nmatch = ['**']\nboundary = ['load']\nsignature = { any-of = ['k'] }\n"
    )
    (tmp_path / "model.json").write_text("{}")
    call = (
        f"import weighbridge as w; w.check({str(tmp_path / 'model.json')!r}, "
        f"policy=w.Policy.from_file({str(tmp_path / 'weighbridge.toml')!r}), boundary='load')"
    )
    assert "sigstore" not in modules_after(call)
