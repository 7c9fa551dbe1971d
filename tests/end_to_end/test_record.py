"""`weighbridge record` and `weighbridge attest` as commands: what they print, and how they end."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.pki import private_pem
from support.recorded_steps import make_bench
from weighbridge.sandbox.steps.launch import is_supported

pytestmark = pytest.mark.skipif(not is_supported(), reason="no steps here")

COMMAND = (sys.executable, "-m", "weighbridge")
EVIL = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."
SIGNER = ("--private-key", "key.pem")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a directory with two inputs and a key."""
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  see `SIGNER`

    monkeypatch.chdir(tmp_path)
    bench = make_bench(tmp_path)
    (tmp_path / "key.pem").write_bytes(private_pem(ec.generate_private_key(ec.SECP256R1())))
    return bench.root


def weighbridge(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_the_commands_output_is_its_own(place: Path) -> None:
    """What the command prints comes first, and the claim behind it."""
    done = weighbridge(
        "record", "--output", "out", "--input", "base", *SIGNER, "--",
        "sh", "-c", "mkdir out; cp base/w.bin out; echo said; echo told >&2",
    )  # fmt: skip
    assert done.returncode == 0
    first, second, *_ = done.stdout.splitlines()
    assert first == "said"
    assert second.startswith("claimed  out (sha256:")
    assert done.stderr == "told\n"


def test_json_is_alone_on_standard_output(place: Path) -> None:
    """With JSON the command's own output goes to standard error."""
    done = weighbridge(
        "record", "--output", "out", "--format", "json", *SIGNER, "--",
        "sh", "-c", "mkdir out; cat base/w.bin > out/x; echo said",
    )  # fmt: skip
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["schema"] == "weighbridge.build/v1"
    assert found["undeclared"] == (["base/w.bin"] if found["observed"] else [])
    assert done.stderr == "said\n"


def test_arguments_behind_the_dashes_are_the_commands(place: Path) -> None:
    """Options of the command are not ours."""
    done = weighbridge(
        "record", "--output", "out", *SIGNER, "--", "mkdir", "--parents", "--verbose", "out/a"
    )
    assert done.returncode == 3
    assert "out/a" in done.stdout


@pytest.mark.parametrize("code", [1, 2, 10, 77])
def test_a_step_that_fails_ends_with_one(place: Path, code: int) -> None:
    """Whatever the command's exit code is, ours says that the step failed, and names it."""
    done = weighbridge("record", "--output", "out", *SIGNER, "--", "sh", "-c", f"exit {code}")
    assert done.returncode == 1
    assert f"exit code {code} [step-failed]" in done.stderr


def test_nobody_signs(place: Path) -> None:
    """Without a signer nothing is run."""
    done = weighbridge("record", "--output", "out", "--", "touch", "ran")
    assert done.returncode == 2
    assert "nobody signs" in done.stderr
    assert not (place / "ran").exists()


def test_warnings_are_talk(place: Path) -> None:
    """What was read undeclared, and what was left behind, is told on standard error."""
    done = weighbridge(
        "record", "--output", "out", *SIGNER, "--",
        "sh", "-c", "mkdir out; cat base/w.bin > out/x",
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr in {
        "read, but not declared: base/w.bin\n",
        *(f"what the step read was not observed: {why}\n" for why in ("Function not implemented",)),
    }


@pytest.mark.parametrize(
    ("number", "group", "options"),
    [
        (signal.SIGINT, True, ()),
        (signal.SIGINT, False, ()),
        (signal.SIGTERM, False, ()),
        (signal.SIGTERM, False, ("--isolated",)),
    ],
)
def test_an_interrupt_ends_all_of_the_step(
    place: Path, number: signal.Signals, group: bool, options: tuple[str, ...]
) -> None:
    """The command and its children end with us, no claim is made, and nothing of ours stays."""
    temporary = place / "temporary"
    temporary.mkdir()
    script = "mkdir -p out; echo > out/x; echo ready; (setsid sleep 1000000 &); sleep 1000000"
    started = subprocess.Popen(
        [*COMMAND, "record", "--output", "out", *SIGNER, *options, "--", "sh", "-c", script],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": os.fspath(temporary)},
    )
    assert started.stdout is not None
    ready = started.stdout.readline()
    if ready:
        (os.killpg if group else os.kill)(started.pid, number)
    # The step's processes hold the other ends; there is no more when all have ended.
    more, told = started.communicate()
    if "isolation-unavailable" in told:
        pytest.skip(told)
    assert (ready, more) == ("ready\n", "")
    assert list(temporary.iterdir()) == []
    assert list(Path("out").iterdir()) == [Path("out/x")]
    if number is signal.SIGINT:
        assert started.returncode == 130
        assert "interrupted; no claim was made" in told
    else:
        assert started.returncode == 128 + number


def test_a_build_is_attested(place: Path) -> None:
    """What is stated is signed, with the digests of what is there."""
    done = weighbridge(
        "attest", "build", "base", "--input", "acme/data=data", "--run", "make",
        "--started", "2026-01-31T12:00:00+01:00", *SIGNER, "--format", "json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [each["name"] for each in json.loads(done.stdout)["inputs"]] == ["acme/data"]
    wrong = weighbridge("attest", "build", "base", "--started", "yesterday", *SIGNER)
    assert (wrong.returncode, "this is no time" in wrong.stderr) == (2, True)
    wrong = weighbridge("attest", "build", "base", "--param", "x", *SIGNER)
    assert (wrong.returncode, "NAME=VALUE" in wrong.stderr) == (2, True)


def test_conversions_and_scans_are_attested(place: Path) -> None:
    """A conversion by another program is a build; a scan that fails ends with 10."""
    done = weighbridge("attest", "convert", "base", "--to", "gguf", "--input", "data", *SIGNER)
    assert done.returncode == 0, done.stderr
    (place / "base" / "model.pkl").write_bytes(EVIL)
    done = weighbridge("attest", "scan", "base", *SIGNER)
    assert done.returncode == 10
    assert done.stdout.startswith("claimed  scan of base FAILED")
    for path in ("w.bin", "model.pkl"):
        (place / "base" / path).unlink()
    (place / "base" / "config.json").write_text("{}")
    done = weighbridge("attest", "scan", "base", *SIGNER, "--format", "json")
    assert (done.returncode, json.loads(done.stdout)["result"]) == (0, "PASSED")
