"""The reference's scripts run against weighbridge: the same flags, and the scripts themselves."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from support.oracles import ORACLES
from weighbridge.compat.drop_in import PATH
from weighbridge.compat.model_signing.command import command

ROOT = Path(__file__).parents[2]
SCRIPTS = "WEIGHBRIDGE_REFERENCE_SCRIPTS"
"""Names a copy of the folder `scripts` of the reference's repository, with its shell tests."""

VECTORS = ROOT.parent / "shared" / "vectors" / "oms"
IDENTITY = ("--identity", "stefanb@us.ibm.com")
PROVIDER = ("--identity_provider", "https://sigstore.verify.ibm.com/oauth2")

LIST_FLAGS = """
import click, json
from model_signing import _cli
def walk(command, name):
    if isinstance(command, click.Group):
        for part in command.commands:
            yield from walk(command.commands[part], f"{name} {part}".strip())
    flags = [o for p in command.params if isinstance(p, click.Option) for o in (*p.opts, *p.secondary_opts)]
    yield name, flags
print(json.dumps(dict(walk(_cli.main, ""))))
"""


def flags(this: click.Command, name: str = "") -> Iterator[tuple[str, set[str]]]:
    """Yield every command with its flags, written with `-`."""
    if isinstance(this, click.Group):
        for part, child in this.commands.items():
            yield from flags(child, f"{name} {part}".strip())
    yield (
        name,
        {
            dashed(flag)
            for option in this.params
            if isinstance(option, click.Option)
            for flag in (*option.opts, *option.secondary_opts)
        },
    )


def dashed(flag: str) -> str:
    """Return *flag* with `-` for `_`."""
    return flag.replace("_", "-")


@pytest.mark.oracle
@pytest.mark.parametrize("oracle", ORACLES)
def test_every_flag_of_the_reference_is_taken(oracle: str) -> None:
    """Each flag of each command of the reference is a flag of the same command here."""
    python = ROOT / ".oracles" / oracle / "bin" / "python"
    if not python.exists():
        pytest.skip(f"the environment of {oracle} is absent: run 'make oracles'")
    done = subprocess.run([python, "-c", LIST_FLAGS], capture_output=True, text=True, check=True)
    reference = {name: set(map(dashed, found)) for name, found in json.loads(done.stdout).items()}
    ours = dict(flags(command))
    assert len(reference) > 8
    assert reference.keys() <= ours.keys()
    assert {
        name: found - ours[name] for name, found in reference.items() if found - ours[name]
    } == {}


def model_signing(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m model_signing` as a script does, with the drop-in directory."""
    return subprocess.run(
        [sys.executable, "-m", "model_signing", *arguments],
        cwd=place,
        env={**os.environ, "PYTHONPATH": PATH},
        capture_output=True,
        text=True,
        check=False,
    )


STORED = {
    "key": ("--public_key", "keys/signing-key-pub.pem"),
    "certificate": ("--certificate_chain", "keys/ca-cert.pem"),
    "sigstore": (*IDENTITY, *PROVIDER),
}


@pytest.mark.shared
@pytest.mark.skipif(
    not VECTORS.is_dir(), reason="the interoperability vectors beside the repository are absent"
)
@pytest.mark.parametrize("version", ["v0.3.1", "v1.0.0", "v1.1.0"])
@pytest.mark.parametrize("method", STORED)
def test_stored_signatures_verify_as_scripts_verify_them(
    tmp_path: Path, version: str, method: str
) -> None:
    """A stored signature verifies with the reference's own words, and not after a change."""
    shutil.copytree(VECTORS, tmp_path / "oms")
    place = tmp_path / "oms"
    name = f"{version}-{'elliptic-key' if method == 'key' else method}"
    # These releases signed a single file by key.
    model = f"{name}/signme-1" if method == "key" and version != "v1.1.0" else name
    verify = (
        *("verify", method, "--signature", f"{name}/model.sig", *STORED[method]),
        *("--ignore-paths", f"{name}/ignore-me", model),
    )
    done = model_signing(place, *verify)
    assert (done.returncode, done.stdout) == (0, "Verification succeeded\n"), done.stderr
    with (place / name / "signme-1").open("a") as file:
        file.write("x")
    done = model_signing(place, *verify)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Verification failed with error" in done.stderr


def _scripts() -> list[str]:
    """Return the reference's scripts that need no network, where they are there."""
    place = os.environ.get(SCRIPTS)
    if not place:
        return []
    # One fetches a token and releases of the reference.
    found = [p for p in Path(place).glob("tests/test-*.sh") if "allversions" not in p.name]
    if shutil.which("p11tool"):
        found += Path(place).glob("pkcs11-tests/test_*.sh")
    return [path.relative_to(place).as_posix() for path in sorted(found)]


if _scripts():  # nothing is skipped in a run that has to be complete

    @pytest.mark.parametrize("script", _scripts())
    def test_the_reference_s_scripts_run_unchanged(tmp_path: Path, script: str) -> None:
        """A shell test of the reference passes with weighbridge in the reference's place."""
        shutil.copytree(os.environ[SCRIPTS], tmp_path / "scripts")
        done = subprocess.run(
            ["bash", f"./{Path(script).name}"],
            cwd=(tmp_path / "scripts" / script).parent,
            env={
                **os.environ,
                "HOME": str(tmp_path),
                "PYTHONPATH": PATH,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
