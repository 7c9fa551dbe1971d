"""The provenance action's step runs as a runner runs it; inputs are data, whatever they hold."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec

from support.documents import ROOT, document, sections, table_rows
from support.pki import private_pem
from support.recorded_steps import make_bench

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the steps are for bash")

FOLDER = ROOT / "integrations" / "provenance"
ACTION = yaml.safe_load((FOLDER / "action.yml").read_text("utf-8"))
WORKFLOW = "team/train/.github/workflows/train.yml@refs/heads/main"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a checkout with two inputs and a key beside it."""
    root = tmp_path / "repository"
    root.mkdir()
    make_bench(root).check_in()
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "key.pem").write_bytes(private_pem(key))
    return root


def run_step(place: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the step `run` in *place* with *inputs*, as `action.yml` hands them over."""
    sha = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=place, capture_output=True, text=True, check=True
    )
    given = {"private_key": os.fspath(place.parent / "key.pem"), **inputs}
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(place.parent),
        "GITHUB_OUTPUT": str(place.parent / "outputs"),
        "GITHUB_SERVER_URL": "https://git.example",
        "GITHUB_REPOSITORY": "team/train",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_SHA": sha.stdout.strip(),
        "GITHUB_RUN_ID": "7",
        "GITHUB_WORKFLOW_REF": WORKFLOW,
        **{f"WEIGHBRIDGE_{name.upper()}": value for name, value in given.items()},
    }
    if "PYTHONPATH" in os.environ:
        environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
    return subprocess.run(
        ["bash", FOLDER / "run"],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def claim(place: Path, name: str) -> dict[str, Any]:
    """Return the predicate of the last claim in a file."""
    line = (place / name).read_bytes().splitlines()[-1]
    predicate = json.loads(base64.b64decode(json.loads(line)["dsseEnvelope"]["payload"]))
    assert isinstance(predicate, dict)
    return dict(predicate["predicate"])


def test_a_command_is_recorded(place: Path) -> None:
    """The command is run, and the claim names workflow, source, inputs and parameters."""
    done = run_step(
        place,
        path="out",
        command="mkdir out\ncat base/w.bin > out/w.bin",
        inputs="acme/base=base\n\ndata\n",
        params="a=1\nb=x y",
        strict="true",
    )
    assert done.returncode == 0, done.stderr
    definition = claim(place, "out/model.claims.jsonl")["buildDefinition"]
    assert definition["externalParameters"]["params"] == {"a": "1", "b": "x y"}
    names = {each.get("name") for each in definition["resolvedDependencies"]}
    assert {"acme/base", "data"} <= names
    uris = {each.get("uri") for each in definition["resolvedDependencies"]}
    assert "git+https://git.example/team/train@refs/heads/main" in uris
    outputs = (place.parent / "outputs").read_text()
    assert outputs == "claims=out/model.claims.jsonl\n"


def test_a_model_that_is_there_is_attested(place: Path) -> None:
    """Without a command the claim is about what was made before, with the run's address."""
    (place / "out.bin").write_text("x")
    done = run_step(place, path="out.bin", inputs="base")
    assert done.returncode == 0, done.stderr
    predicate = claim(place, "out.bin.claims.jsonl")
    run = predicate["runDetails"]
    assert run["builder"]["id"] == f"https://git.example/{WORKFLOW}"
    assert run["metadata"]["invocationId"].endswith("/actions/runs/7/attempts/1")


@pytest.mark.parametrize(
    "inputs",
    [
        {"path": ""},
        {"path": "a\nb"},
        {"path": "out", "inputs": "$(touch ran)"},
        {"path": "--help; touch ran"},
        {"path": "base", "params": "--private-key"},
        {"path": "base", "isolated": "true"},
        {"path": "out", "command": "mkdir out; echo > out/x", "strict": "True"},
        {"path": "out", "command": "mkdir out; echo > out/x", "isolated": "yes"},
    ],
)
def test_inputs_are_data(place: Path, inputs: dict[str, str]) -> None:
    """Nothing in an input but the command is run, or taken for an option."""
    done = run_step(place, **inputs)
    assert done.returncode == 2
    assert not (place / "ran").exists()
    assert not list(place.rglob("*.claims.jsonl"))


def test_a_command_that_fails_fails_the_step(place: Path) -> None:
    """A line that fails ends the command, and no claim is made."""
    done = run_step(place, path="out", command="mkdir out\nfalse\ntouch out/x")
    assert done.returncode == 1
    assert "step-failed" in done.stderr
    assert not list(place.rglob("*.claims.jsonl"))


def test_the_document_lists_the_inputs() -> None:
    """The table of the document has every input of the action, and no other."""
    (section,) = [
        each
        for each in sections(document("docs/integrations.md"))
        if each.title == "Provenance from GitHub Actions"
    ]
    listed = {row[0].strip("`") for row in table_rows(section.text)}
    assert listed == set(ACTION["inputs"])


def test_inputs_come_by_the_environment() -> None:
    """No step has an expression in its text, where an input could become a command."""
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
    given = {n for step in ACTION["runs"]["steps"] for n in step["env"].values()}
    named = {match[1] for text in given for match in re.finditer(r"inputs\.([a-z-]+)", text)}
    assert named == set(ACTION["inputs"])


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_the_script_is_clean() -> None:
    """The script has nothing that shellcheck warns of."""
    done = subprocess.run(
        ["shellcheck", FOLDER / "run"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
