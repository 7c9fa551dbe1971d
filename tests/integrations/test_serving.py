"""Servers that read a directory are started with verified files, and with no others, or not at all."""

import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import yaml

from support.documents import ROOT
from support.model_servers import TORCHSERVE, TRITON, install_server
from support.protobuf import field
from support.raced_models import make_adder
from support.signed_model import SignedModel, make_signed_model

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the scripts are for bash")

FOLDER = ROOT / "integrations"
SCRIPTS = sorted(FOLDER.glob("*/start"))
CODE = b"class TritonPythonModel:\n    def execute(self, requests):\n        return requests\n"
CONFIGURATION = b'name: "adder"\nplatform: "onnxruntime_onnx"\nmax_batch_size: 0\n'
BACKEND = b'name: "same"\nbackend: "python"\nmax_batch_size: 0\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A directory that a server is to be started with, and the server."""

    script: Path
    signed: SignedModel
    tools: Path

    def start(self, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Start the server with *options*."""
        place = self.signed.root.parent
        here = Path(sys.executable).parent
        environment = {
            **os.environ,
            "PATH": f"{self.tools}{os.pathsep}{here}{os.pathsep}{os.environ['PATH']}",
            "TMPDIR": str(place / "scratch"),
            **variables,
        }
        (place / "scratch").mkdir(exist_ok=True)
        policy = place / "weighbridge.toml"
        return subprocess.run(
            ["bash", self.script, "--policy", policy, self.signed.root, *options],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def triton(tmp_path: Path) -> Serving:
    """Return a model repository with an ONNX model and a model of the Python backend."""
    files = {
        "adder/1/model.onnx": make_adder(field(9, np.full(2, 7, "f4").tobytes())),
        "adder/config.pbtxt": CONFIGURATION,
        "same/config.pbtxt": BACKEND,
        "same/1/model.py": CODE,
    }
    digest = sha256(CODE).hexdigest()
    rule = {"remote-code": '"pinned"', "remote-code-digests": json.dumps([digest])}
    signed = make_signed_model(
        tmp_path, files, formats=("onnx", "protobuf-text", "python-source"), rule=rule
    )
    tools = install_server(tmp_path, "tritonserver", TRITON, sys.executable)
    return Serving(script=FOLDER / "triton" / "start", signed=signed, tools=tools)


def archive(handler: str = "image_classifier") -> bytes:
    """Return an archive as TorchServe's archiver makes it; without a handler of its own."""
    manifest = {
        "createdOn": "23/11/2031 08:10:00",
        "runtime": "python",
        "model": {"modelName": "net", "handler": handler, "modelVersion": "1.0"},
        "archiverVersion": "0.12.0",
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("MAR-INF/MANIFEST.json", json.dumps(manifest))
        if handler.endswith(".py"):
            made.writestr(handler, "def handle(data, context):\n    return data\n")
    return file.getvalue()


@pytest.fixture
def torchserve(tmp_path: Path) -> Serving:
    """Return a model store with one archive."""
    signed = make_signed_model(tmp_path, {"net.mar": archive()}, formats=("torchserve",))
    tools = install_server(tmp_path, "torchserve", TORCHSERVE, sys.executable)
    return Serving(script=FOLDER / "torchserve" / "start", signed=signed, tools=tools)


def test_triton_gets_the_verified_repository(triton: Serving) -> None:
    """All models are there in Triton's layout, and none can be loaded by request."""
    done = triton.start("--http-port", "8123")
    assert done.returncode == 0, done.stdout + done.stderr
    mode, port, found, _ = json.loads(done.stdout.splitlines()[-1])
    assert (mode, port) == ("none", "8123")
    assert found == {"adder/1": ["model.onnx"], "same/1": ["model.py"]}


@pytest.mark.frameworks
@pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is None, reason="needs ONNX Runtime")
def test_the_repository_can_be_computed_with(triton: Serving) -> None:
    """ONNX Runtime loads the model and its external data from the verified copy."""
    done = triton.start(SUM="1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1])[3] == [7.0, 7.0]


@pytest.mark.parametrize("file", ["same/1/model.py", "adder/1/model.onnx", "adder/config.pbtxt"])
def test_triton_does_not_start_with_other_files(triton: Serving, file: str) -> None:
    """Other code, weights or configuration than was signed: no server, and nothing left."""
    path = triton.signed.root / file
    path.write_bytes(path.read_bytes() + b"\n")
    done = triton.start()
    assert done.returncode == 10
    assert "DENY" in done.stdout
    assert "adder/1" not in done.stdout.splitlines()[-1]
    assert not list((triton.signed.root.parent / "scratch").rglob("*.onnx"))


def test_signed_code_needs_a_pin(triton: Serving) -> None:
    """Code for the Python backend that is signed, and that nobody has read, is denied."""
    policy = triton.signed.root.parent / "weighbridge.toml"
    policy.write_text(policy.read_text().replace(sha256(CODE).hexdigest(), "0" * 64))
    assert triton.start().returncode == 10


def test_torchserve_gets_the_verified_archives(torchserve: Serving, tmp_path: Path) -> None:
    """The archives are there, and neither settings nor variables let others be registered."""
    (tmp_path / "settings").write_text(
        "inference_address=http://127.0.0.1:8080\nallowed_urls=.*\nenable_model_api=true"
    )
    done = torchserve.start(
        "--disable-token-auth", SETTINGS=str(tmp_path / "settings"), TS_CONFIG_FILE="/x", TS_A="1"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    same, settings, found, variables = json.loads(done.stdout.splitlines()[-1])
    assert same
    assert found == {"net.mar": "net"}
    assert variables == []
    assert settings["inference_address"] == "http://127.0.0.1:8080"
    assert settings["enable_model_api"] == settings["enable_envvars_config"] == "false"
    assert settings["allowed_urls"] != ".*"


@pytest.mark.parametrize("what", ["added", "changed", "handler"])
def test_torchserve_does_not_start_with_others(torchserve: Serving, what: str) -> None:
    """An archive that was added or changed, and one with an unread handler, start nothing."""
    root = torchserve.signed.root
    match what:
        case "added":
            (root / "other.mar").write_bytes(archive())
        case "changed":
            (root / "net.mar").write_bytes(archive("text_classifier"))
        case _:
            made = root.parent / "again"
            made.mkdir()
            files = {"net.mar": archive("own.py")}
            again = make_signed_model(made, files, formats=("torchserve",))
            torchserve = Serving(script=torchserve.script, signed=again, tools=torchserve.tools)
    done = torchserve.start()
    assert done.returncode == 10
    assert '{"net.mar"' not in done.stdout


@pytest.mark.parametrize(
    ("server", "option"),
    [
        ("triton", "--model-repository=/elsewhere"),
        ("triton", "--model-repo=/elsewhere"),
        ("triton", "--model-control-mode=explicit"),
        ("triton", "--load-model=*"),
        ("triton", "--"),
        ("torchserve", "--models"),
        ("torchserve", "--ts-config=x"),
        ("torchserve", "--enable-model"),
    ],
)
def test_options_that_lead_elsewhere(
    request: pytest.FixtureRequest, server: str, option: str
) -> None:
    """Options, abbreviated too, by which unverified files would be loaded are refused."""
    serving = request.getfixturevalue(server)
    done = serving.start(option)
    assert done.returncode == 2
    assert "unverified" in done.stderr


def test_without_a_policy_nothing_starts(triton: Serving) -> None:
    """Where the policy is not, there is no server."""
    (triton.signed.root.parent / "weighbridge.toml").unlink()
    done = triton.start()
    assert done.returncode not in {0, 10}
    assert done.stdout == ""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.parent.name)
def test_the_scripts_are_clean(script: Path) -> None:
    """ShellCheck has nothing to say about the scripts."""
    program = shutil.which("shellcheck")
    assert program or not os.environ.get("CI"), "shellcheck is absent"
    if program:
        done = subprocess.run([program, script], capture_output=True, text=True, check=False)
        assert done.stdout == ""


def test_kserve_calls_the_initializer() -> None:
    """KServe keeps the command and appends addresses and paths, so the options are in it."""
    document = yaml.safe_load((FOLDER / "kserve" / "storage-container.yaml").read_text("utf-8"))
    assert document["kind"] == "ClusterStorageContainer"
    container = document["spec"]["container"]
    assert container["command"][:3] == ["python", "-m", "weighbridge.integrations.kserve"]
    assert "args" not in container
    assert importlib.util.find_spec(container["command"][2]) is not None
    entry = (FOLDER / "kserve" / "Dockerfile").read_text("utf-8").splitlines()[-1]
    assert json.loads(entry.removeprefix("ENTRYPOINT ")) == container["command"][:3]
