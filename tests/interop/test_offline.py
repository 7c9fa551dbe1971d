"""
Stored keyless signatures verify with no network at all, from the installed package alone.

The command runs in an interpreter that ends the run when it asks for an address or
speaks to one, and when it looks at what the `sigstore` package keeps in a home directory.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors" / "oms"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not VECTORS.is_dir(), reason="the interoperability vectors beside the repository are absent"
    ),
]

HERMIT = """
import os, sys

# A library finds out at its import whether IPv6 is there, by binding a socket that says nothing.
HARMLESS = {"socket.__new__", "socket.bind", "socket.gethostname"}

def is_local(arguments):
    return int(getattr(arguments[0], "family", 0)) == 1  # AF_UNIX: between our own processes

def refuse(event, arguments):
    if event in HARMLESS or (event.startswith("socket.") and is_local(arguments)):
        return
    if event.startswith("socket."):
        os.write(2, f"network: {event}\\n".encode())
        os._exit(99)
    if event == "open" and "sigstore-python" in str(arguments[0]):
        os.write(2, f"cache: {arguments[0]}\\n".encode())
        os._exit(98)

sys.addaudithook(refuse)
from weighbridge.cli.main import main
sys.argv[0] = "weighbridge"
main()
"""

WHO = (
    "--identity",
    "stefanb@us.ibm.com",
    "--identity-provider",
    "https://sigstore.verify.ibm.com/oauth2",
)


def hermit(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command with no network and an empty home."""
    return subprocess.run(
        [sys.executable, "-c", HERMIT, *arguments],
        env=os.environ | {"HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("release", ["v0.3.1", "v1.0.0", "v1.1.0"])
def test_w19_a_stored_keyless_signature_needs_no_network(release: str, tmp_path: Path) -> None:
    """A keyless signature of the public instance verifies without a socket and without a cache."""
    model = VECTORS / f"{release}-sigstore"
    ignored = ("--ignore-paths", str(model / "ignore-me")) if release == "v1.1.0" else ()
    result = hermit(tmp_path, "verify", "sigstore", str(model), *WHO, *ignored)
    assert (result.returncode, result.stderr) == (0, "")
    assert "VERIFIED" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_policy_decides_about_it_with_no_network(tmp_path: Path) -> None:
    """A check with a keyless signer uses no network either, and the root of the package."""
    policy = tmp_path / "weighbridge.toml"
    policy.write_text(
        "version = 1\n[trust.somebody]\nmethod = 'sigstore'\n"
        "identity = '*@us.ibm.com'\nissuer = 'https://sigstore.verify.ibm.com/oauth2'\n"
        "[[rule]]\nmatch = ['**']\nboundary = ['load']\n"
        "formats = { allow = ['text', 'unknown', 'json'] }\nscan = { on-gap = 'indeterminate' }\n"
        "signature = { any-of = ['somebody'] }\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    result = hermit(home, "check", str(VECTORS / "v1.0.0-sigstore"), "--policy", str(policy))
    assert "network" not in result.stderr
    assert "somebody (sigstore stefanb@us.ibm.com by" in result.stdout, result.stdout


def test_the_network_would_be_noticed(tmp_path: Path) -> None:
    """The interpreter of these tests does end a run that uses the network."""
    result = hermit(tmp_path, "trust", "update")
    assert (result.returncode, result.stderr.startswith("network: socket.")) == (99, True)
