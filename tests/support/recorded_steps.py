"""A directory in which steps are recorded: two inputs, a key, and a checkout of git."""

import base64
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from weighbridge.pipeline.recording.given import Given, Recorded
from weighbridge.pipeline.recording.inputs import GivenInput
from weighbridge.pipeline.recording.step import Step, record
from weighbridge.signing.key import KeySigner

REPOSITORY = "git+https://git.example/team/train"
_GIT = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@acme.example",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@acme.example",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """
    Where steps are recorded.

    Attributes:
        root: A real path; the current directory.
        signer: Signs the claims.
    """

    root: Path
    signer: KeySigner

    def record(self, text: str, **step: Any) -> Recorded:
        """Record the shell command *text*; what is no part of a `Step` is of its `Given`."""
        given = {n: step.pop(n) for n in tuple(step) if n in Given.__dataclass_fields__}
        inputs = tuple(GivenInput(reference=r) for r in given.pop("inputs", ()))
        return record(
            Step(
                command=("sh", "-c", text),
                output=Path(step.pop("output", "out")),
                given=Given(inputs=inputs, **given),
                grace_seconds=step.pop("grace_seconds", 0),
                **step,
            ),
            signer=self.signer,
        )

    def claims(self, name: str = "out/model.claims.jsonl") -> list[dict[str, Any]]:
        """Return the statements in a claims file."""
        lines = (self.root / name).read_bytes().splitlines()
        payloads = (json.loads(line)["dsseEnvelope"]["payload"] for line in lines)
        return [json.loads(base64.b64decode(payload)) for payload in payloads]

    def git(self, *arguments: str) -> str:
        """Run git here, and return what it says."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=os.environ | _GIT,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def check_in(self) -> str:
        """Make a checkout with everything but the inputs in one commit; return its id."""
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("remote", "add", "origin", "https://user:secret@git.example/team/train.git")
        (self.root / ".gitignore").write_text("/base\n/data\n/out*\n")
        (self.root / "train.py").write_text("print('trained')\n")
        self.git("add", "train.py", ".gitignore")
        self.git("commit", "--quiet", "--message", "first")
        return self.git("rev-parse", "HEAD")


def make_bench(root: Path) -> Bench:
    """Prepare *root*: `base` and `data` with a file each."""
    root = Path(os.path.realpath(root))
    for name in ("base", "data"):
        (root / name).mkdir()
        (root / name / "w.bin").write_bytes(name.encode())
    return Bench(root=root, signer=KeySigner(ec.generate_private_key(ec.SECP256R1())))
