"""What choosing a method costs at start-up."""

import subprocess
import sys


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
