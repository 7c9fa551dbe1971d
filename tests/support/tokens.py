"""A real PKCS#11 token in software (SoftHSM), made for one run of the tests."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

PIN = "482613"
MODULE = "softhsm2"


@dataclass(frozen=True, kw_only=True)
class SoftToken:
    """
    A token and its place.

    Attributes:
        directory: Holds its configuration and its objects.
        label: Its label.
    """

    directory: Path
    label: str

    def uri(self, what: str, *, query: str = f"module-name={MODULE}") -> str:
        """Return the URI of the object *what*, such as `object=signer`."""
        return f"pkcs11:token={self.label};{what}?{query}"

    def add_key(self, pem: bytes, *, label: str, identifier: str) -> None:
        """Import the PKCS #8 key in *pem*, with its public half."""
        file = self.directory / f"{label}-{identifier}.pem"
        file.write_bytes(pem)
        arguments = ["--import", str(file), "--token", self.label, "--pin", PIN]
        _run(*arguments, "--label", label, "--id", identifier)

    def list_objects(self) -> list[Path]:
        """Return the files that hold the token's objects."""
        return sorted((self.directory / "tokens").rglob("*.object"))


def make_token(directory: Path, *, label: str = "release") -> SoftToken:
    """
    Make a token below *directory*, and have this process and its children use it.

    Skips the test where SoftHSM is not installed.
    """
    if shutil.which("softhsm2-util") is None:
        pytest.skip("softhsm2-util is not installed: apt-get install softhsm2")
    (directory / "tokens").mkdir()
    configuration = directory / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {directory / 'tokens'}\nobjectstore.backend = file\n"
    )
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    add_token(label)
    return SoftToken(directory=directory, label=label)


def add_token(label: str) -> None:
    """Initialise one more token of the same library."""
    _run("--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "75318642")


def _run(*arguments: str) -> None:
    subprocess.run(["softhsm2-util", *arguments], check=True, capture_output=True)
