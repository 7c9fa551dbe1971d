"""The action's steps run as a runner runs them; inputs are data, whatever they hold."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from support.documents import ROOT, document, sections, table_rows

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the steps are for bash")

SCRIPTS = ROOT / "integrations" / "action"
EVIL = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
POLICY = """
version = 1
[[rule]]
match = ["**"]
boundary = ["deploy"]
signature = { required = false }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a step printed and set."""

    code: int
    out: str
    err: str
    outputs: dict[str, str]


def run_step(place: Path, **inputs: str) -> Step:
    """Run the step `run` in *place* with *inputs*, as `action.yml` hands them over."""
    outputs = place.parent / "outputs"
    outputs.write_text("")
    names = {"path": "PATHS"}
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(place.parent),
        "GITHUB_OUTPUT": str(outputs),
        **{f"WEIGHBRIDGE_{names.get(name, name.upper())}": value for name, value in inputs.items()},
    }
    if "PYTHONPATH" in os.environ:
        environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
    done = subprocess.run(
        ["bash", SCRIPTS / "run"],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.split("=", 1) for line in outputs.read_text().splitlines()]
    return Step(code=done.returncode, out=done.stdout, err=done.stderr, outputs=dict(lines))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a checked-out repository with a clean and a malicious (inert) model."""
    root = tmp_path / "repository"
    for name in ("good", "bad", "-q", "with space"):
        (root / name).mkdir(parents=True)
        (root / name / "config.json").write_text("{}")
    (root / "bad" / "model.pkl").write_bytes(EVIL)
    (root / "weighbridge.toml").write_text(POLICY)
    return root


def test_a_clean_model_passes(place: Path) -> None:
    """A clean model ends with 0, and the outputs say so."""
    step = run_step(place, path="good")
    assert (step.code, step.outputs) == (0, {"exit-code": "0", "sarif": ""})
    assert step.out.startswith("CLEAN  good")


def test_findings_fail_and_are_reported(place: Path) -> None:
    """Findings end with 10; the report names files from the repository."""
    step = run_step(place, path="bad", sarif="out.sarif")
    assert (step.code, step.outputs) == (10, {"exit-code": "10", "sarif": "out.sarif"})
    run = json.loads((place / "out.sarif").read_text())["runs"][0]
    uris = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in run["results"]
    }
    assert uris == {"bad/model.pkl"}


def test_the_bar_can_be_set(place: Path) -> None:
    """What is below the bar does not fail."""
    (place / "good" / "module.py").write_text("import os\n")
    assert run_step(place, path="good").code == 10
    assert run_step(place, path="good", fail_on="critical").code == 0


@pytest.mark.parametrize(
    ("paths", "code"),
    [("good\nbad", 10), ("good\n\n  \ngood", 0), ("bad\nnowhere", 2), ("with space\n-q", 0)],
)
def test_several_paths(place: Path, paths: str, code: int) -> None:
    """Each line is a path, whatever characters it has; the worst decides."""
    assert run_step(place, path=paths).code == code


@pytest.mark.parametrize(
    ("inputs", "code", "decision"),
    [
        ({"path": "good", "boundary": "deploy"}, 0, "ALLOW  good at deploy"),
        ({"path": "good"}, 10, "DENY"),
        ({"path": "good\nbad", "boundary": "deploy"}, 10, "DENY  bad"),
        ({"path": "nowhere\nbad", "boundary": "deploy"}, 2, "DENY  bad"),
    ],
)
def test_a_policy_decides(place: Path, inputs: dict[str, str], code: int, decision: str) -> None:
    """With a policy each path is checked, at the boundary that was given."""
    step = run_step(place, policy="weighbridge.toml", **inputs)
    assert step.code == code
    assert decision in step.out


def test_a_check_is_reported(place: Path) -> None:
    """The report of a check is SARIF too."""
    step = run_step(
        place, path="bad", policy="weighbridge.toml", boundary="deploy", sarif="out.sarif"
    )
    assert step.code == 10
    assert json.loads((place / "out.sarif").read_text())["version"] == "2.1.0"


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"path": ""}, "names nothing"),
        ({"path": " \n"}, "names nothing"),
        ({"path": "good", "sarif": "a.sarif\nexit-code=0"}, "one path"),
        ({"path": "good", "sarif": "a.txt"}, "ends in .sarif"),
        ({"path": "good\nbad", "policy": "weighbridge.toml", "sarif": "a.sarif"}, "one path"),
    ],
)
def test_wrong_inputs_are_told(place: Path, inputs: dict[str, str], said: str) -> None:
    """An input that means nothing ends with 2 and a message, and sets no output."""
    step = run_step(place, **inputs)
    assert (step.code, step.outputs) == (2, {})
    assert said in step.err


@pytest.mark.parametrize("name", ["path", "fail_on", "policy", "boundary", "sarif"])
@pytest.mark.parametrize(
    "attack",
    [
        "$(touch owned)",
        "'; touch owned; \"; touch owned; `touch owned`",
        "x\ntouch owned",
        "--report=owned.json",
    ],
)
def test_inputs_run_nothing(place: Path, name: str, attack: str) -> None:
    """No input is ever part of a command."""
    run_step(place, **({"path": "good"} | {name: attack}))
    assert not list(place.glob("owned*"))


def test_scripts_hold_no_expressions() -> None:
    """Inputs reach scripts by the environment only: no step has an expression in its text."""
    steps = ACTION["runs"]["steps"]
    assert [step["run"] for step in steps if "${{" in step["run"]] == []
    used = {value for step in steps for value in step["env"].values()}
    names = {match for value in used for match in re.findall(r"inputs\.([\w-]+)", value)}
    assert names == set(ACTION["inputs"])
    for script in SCRIPTS.iterdir():
        assert "${{" not in script.read_text("utf-8")


def test_the_document_lists_the_inputs() -> None:
    """Each input is documented, with its default."""
    (section,) = [
        s for s in sections(document("docs/integrations.md")) if s.title == "As a GitHub Action"
    ]
    rows = {row[0].strip("`"): row[1].strip("`") for row in table_rows(section.text)}
    assert set(rows) == set(ACTION["inputs"])
    for name, entry in ACTION["inputs"].items():
        assert rows[name] == entry["default"] or not entry["default"]


@pytest.mark.parametrize("script", sorted(SCRIPTS.iterdir()), ids=lambda p: p.name)
def test_scripts_are_clean(script: Path) -> None:
    """ShellCheck has nothing to say about the scripts."""
    program = shutil.which("shellcheck")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("shellcheck is absent")
        pytest.skip("shellcheck is absent")
    done = subprocess.run([program, script], capture_output=True, text=True, check=False)
    assert done.stdout == ""


def run_install(place: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the step `install` with a Python that only says what it was asked for."""
    tools = place.parent / "tools"
    tools.mkdir()
    fake = tools / "python3"
    fake.write_text(
        "#!/bin/bash\n"
        'if [[ $2 == venv ]]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; exit; fi\n'
        'printf "%s|" "$@" >>"$ASKED"\n'
    )
    fake.chmod(0o755)
    return subprocess.run(
        ["bash", SCRIPTS / "install"],
        cwd=place,
        env={
            "PATH": f"{tools}:/usr/bin:/bin",
            "ASKED": str(place.parent / "asked"),
            "RUNNER_TEMP": str(place.parent / "temp"),
            "GITHUB_PATH": str(place.parent / "path"),
            "WEIGHBRIDGE_ACTION_PATH": "/action",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("version", "asked"), [("", "|--|/action|"), ("0.1.0", "|--|weighbridge==0.1.0|")]
)
def test_the_installation_is_its_own(place: Path, version: str, asked: str) -> None:
    """The action's own tree or one version is installed, into an environment of its own."""
    done = run_install(place, WEIGHBRIDGE_VERSION=version)
    assert done.returncode == 0, done.stderr
    assert (place.parent / "asked").read_text().endswith(asked)
    assert (place.parent / "path").read_text() == f"{place.parent}/temp/weighbridge/bin\n"


@pytest.mark.parametrize("version", ["--index-url=x", "1.0 evil", "git+https://x", "1;touch owned"])
def test_a_version_is_a_version(place: Path, version: str) -> None:
    """Nothing else can be installed by the input for a version."""
    assert run_install(place, WEIGHBRIDGE_VERSION=version).returncode == 2
    assert not (place.parent / "asked").exists()
