"""
The worked pipeline: base model, fine-tune, convert, quantize, release; with real commands.

A `Workshop` is a directory with keys, the repositories of the steps, and a policy. Its methods run
one step each, by the command line, as whoever works there would.
"""

import base64
import hashlib
import json
import os
import random
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from support.publisher import write_key
from weighbridge.signing.key import KeySigner

STEPS: Final = Path(__file__).parent.parent / "end_to_end" / "pipeline_steps"
KEYS: Final = (
    "publisher",
    "data-team",
    "release",
    "gate",
    "train-platform",
    "convert-platform",
    "stranger",
)
TRAINER: Final = "https://ci.example/train"
CONVERTER: Final = "https://ci.example/convert"
QUANTIZER: Final = "https://ci.example/quantize"
_GIT: Final = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@acme.example",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@acme.example",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}

GATE_POLICY: Final = """\
version = 1
[[rule]]
match     = ["models/tuned"]
boundary  = ["upload"]
formats   = { allow = ["torch-zip", "json"] }
signature = { required = false }
"""
"""By which the gate looks at a model that is uploaded."""

Statement = dict[str, Any]


class StepError(AssertionError):
    """A step of the pipeline failed, which no test wants."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """A place where a model is made."""

    root: Path

    def run(self, *arguments: str, cwd: str = ".", ok: bool = True) -> str:
        """Run weighbridge in the workshop, and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "weighbridge", *arguments],
            cwd=self.root / cwd,
            env=os.environ | _GIT,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if ok and done.returncode != 0:
            raise StepError(f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def key(self, name: str) -> str:
        """Return the path of a private key."""
        return str(self.root / "keys" / f"{name}.key")

    def signer(self, name: str) -> KeySigner:
        """Return the holder of a private key."""
        data = Path(self.key(name)).read_bytes()
        return KeySigner.from_pem(data, password=None, where=name)

    def path(self, name: str) -> Path:
        """Return a path in the workshop."""
        return self.root / name

    def sign(self, name: str, key: str) -> None:
        """Sign a model or data set."""
        self.run("sign", "key", name, "--private-key", self.key(key))

    def train(
        self,
        output: str = "models/tuned",
        *,
        base: str = "models/base",
        data: str = "data/texts",
        base_name: str = "hub/publisher/base",
        data_name: str = "acme/texts",
        builder: str = TRAINER,
        key: str = "train-platform",
        epochs: str = "5",
        params: tuple[str, ...] = (),
        inputs: tuple[str, ...] = (),
        source: str | None = "git+https://git.example/acme/train@refs/heads/main",
    ) -> None:
        """Fine-tune a base model on a data set."""
        told = [f"{base_name}=../{base}", f"{data_name}=../{data}", *inputs]
        self._record(
            "train",
            output,
            ["train.py", f"../{base}", f"../{data}", f"../{output}", epochs],
            inputs=told,
            params=(f"epochs={epochs}", *params),
            builder=builder,
            key=key,
            source=source,
        )

    def convert(
        self,
        source: str = "models/tuned",
        output: str = "models/converted",
        *,
        name: str = "acme/tuned",
        builder: str = CONVERTER,
        key: str = "convert-platform",
    ) -> None:
        """Convert a checkpoint to safetensors."""
        signer = ("--builder", builder, "--private-key", self.key(key))
        self.run("convert", source, output, "--to", "safetensors", "--name", name, *signer)

    def quantize(
        self,
        source: str = "models/converted",
        output: str = "models/served",
        *,
        name: str = "acme/converted",
        builder: str = QUANTIZER,
        key: str = "convert-platform",
        params: tuple[str, ...] = ("bits=8",),
        repository: str = "git+https://git.example/acme/quantize@refs/heads/main",
    ) -> None:
        """Quantize a model to GGUF."""
        self._record(
            "quantize",
            output,
            ["quantize.py", f"../{source}", f"../{output}"],
            inputs=[f"{name}=../{source}"],
            params=params,
            builder=builder,
            key=key,
            source=repository,
        )

    def check(self, name: str = "models/served") -> tuple[str, list[tuple[str, str]]]:
        """Return the decision at the boundary `deploy`, and the reasons against the model."""
        text = self.run(
            *("check", name, "--policy", "weighbridge.toml", "--boundary", "deploy"),
            *("--format", "json"),
            ok=False,
        )
        verdict = json.loads(text)
        against = [r for r in verdict["reasons"] if r["decision"] != "allow"]
        return verdict["decision"], [(r["code"], r["message"]) for r in against]

    def receipt(self, name: str, place: str, *, key: str | None = "gate") -> Path:
        """Have the gate check a model that is uploaded, and return its receipt."""
        signer = () if key is None else ("--private-key", self.key(key))
        self.run(
            *("check", name, "--policy", "gate.toml", "--boundary", "upload"),
            *("--receipt", place, *signer),
        )
        return self.path(place)

    def commit(self, repository: str, file: str, text: str) -> None:
        """Change a file of a repository, and commit that."""
        self.path(repository).joinpath(file).write_text(text)
        git(self.path(repository), "commit", "-q", "-a", "-m", "change")

    def _record(
        self,
        repository: str,
        output: str,
        command: list[str],
        *,
        inputs: list[str],
        params: tuple[str, ...],
        builder: str,
        key: str,
        source: str | None,
    ) -> None:
        told = [word for each in inputs for word in ("--input", each)]
        told += [word for each in params for word in ("--param", each)]
        told += [] if source is None else ["--source", source]
        told += ["--builder", builder, "--private-key", self.key(key)]
        words = [sys.executable, *command]
        self.run("record", "--output", f"../{output}", *told, "--", *words, cwd=repository)


def git(repository: Path, *words: str) -> None:
    """Run git in a repository."""
    subprocess.run(
        ["git", "-C", os.fspath(repository), *words],
        env=os.environ | _GIT,
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )


def make_workshop(root: Path) -> Workshop:
    """Fill *root* with keys, repositories, policies, a signed base model and signed data."""
    workshop = Workshop(root)
    for folder in ("keys", "models", "data"):
        (root / folder).mkdir(parents=True)
    for key in KEYS:
        write_key(root / "keys", key)
    for step in ("train", "quantize"):
        (root / step).mkdir()
        git(root / step, "init", "-q", "-b", "main")
        git(root / step, "remote", "add", "origin", f"https://git.example/acme/{step}")
        shutil.copyfile(STEPS / f"{step}.py", root / step / f"{step}.py")
        git(root / step, "add", "-A")
        git(root / step, "commit", "-q", "-m", "begin")
    (root / "gate.toml").write_text(GATE_POLICY)
    digest = hashlib.sha256(GATE_POLICY.encode()).hexdigest()
    policy = (STEPS / "weighbridge.toml").read_text().replace("GATE", digest)
    (root / "weighbridge.toml").write_text(policy)
    write_base(root / "models" / "base")
    write_texts(root / "data" / "texts")
    workshop.sign("models/base", "publisher")
    workshop.sign("data/texts", "data-team")
    return workshop


def make_served(workshop: Workshop) -> None:
    """Run the whole pipeline."""
    workshop.train()
    workshop.convert()
    workshop.quantize()
    workshop.sign("models/served", "release")


def write_base(folder: Path, *, start: float = 0.1) -> None:
    """Write a small base model."""
    folder.mkdir(parents=True, exist_ok=True)
    values = {"weight": ([8, 1], [start] * 8), "bias": ([1], [0.0])}
    header: dict[str, Any] = {}
    body = b""
    for name, (shape, numbers) in values.items():
        data = struct.pack(f"<{len(numbers)}f", *numbers)
        place = [len(body), len(body) + len(data)]
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": place}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + body)
    (folder / "config.json").write_text('{"model_type": "linear"}')


def write_texts(folder: Path, *, seed: int = 1) -> None:
    """Write a small data set."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)
    rows = [",".join(f"{chance.uniform(-1, 1):.4f}" for _ in range(9)) for _ in range(64)]
    (folder / "texts.csv").write_text("\n".join(rows) + "\n")


class Claims:
    """The claims file of a model: its lines, what they say, and how to say something else."""

    def __init__(self, model: Path) -> None:
        self.place = model / "model.claims.jsonl"
        self.lines: list[bytes] = self.place.read_bytes().splitlines()

    def save(self) -> None:
        """Write the lines."""
        self.place.write_bytes(b"".join(line + b"\n" for line in self.lines))

    def find(self, subject: str) -> int:
        """Return the number of the only line whose first subject is called *subject*."""
        (number,) = [
            number
            for number, line in enumerate(self.lines)
            if statement_of(line)["subject"][0]["name"] == subject
        ]
        return number

    def statement(self, number: int) -> Statement:
        """Return what a line says."""
        return statement_of(self.lines[number])

    def replace(self, number: int, statement: Statement, signer: KeySigner) -> None:
        """Say something else in a line, signed by somebody."""
        self.lines[number] = claim_line(statement, signer)


def statement_of(line: bytes) -> Statement:
    """Return the statement in a claim."""
    bundle = json.loads(line)
    statement: Statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    return statement


def claim_line(statement: Statement, signer: KeySigner) -> bytes:
    """Return a statement as a signed claim."""
    return signer.sign(json.dumps(statement, sort_keys=True).encode()).strip()
