"""
The place where the demonstration works, and what it asks of the library there.

Everything that a user would do goes through `weighbridge.pipeline`, as a user's program would.
"""

import shutil
from pathlib import Path
from typing import Final

from weighbridge.core.artifact import SIGNATURE_NAME
from weighbridge.core.values import frozen
from weighbridge.core.verdict import Verdict
from weighbridge.demo.console import Console
from weighbridge.demo.model import DemoModel
from weighbridge.load.artifact import VerifiedArtifact
from weighbridge.pipeline.check import check
from weighbridge.pipeline.describe import Inspection, inspect
from weighbridge.pipeline.keys import make_key
from weighbridge.pipeline.load import load
from weighbridge.pipeline.scan import scan
from weighbridge.pipeline.selection import FileSelection
from weighbridge.pipeline.sign import SignResult, sign
from weighbridge.policy.schema import Policy
from weighbridge.scan.report import ScanReport
from weighbridge.signing.key import KeySigner

PUBLISHER: Final = "publisher"
ATTACKER: Final = "mallory"
BOUNDARY: Final = "load"

POLICY: Final = """\
version = 1

[trust.publisher]                    # who may sign
method     = "key"
public-key = "publisher.pub"

[[rule]]                             # what is asked of the model
match     = ["model"]
boundary  = ["load"]
formats   = { allow = ["safetensors", "json", "text", "tokenizer"], deny-executable = true }
scan      = { fail-on = "medium", on-gap = "deny" }
signature = { required = true, any-of = ["publisher"], uncovered = "deny" }
"""


@frozen
class Workshop:
    """
    A directory with the copy of a model, keys and a policy, and where to write about it.

    Attributes:
        console: Where the story is told.
        original: The model as it is installed; never written to.
        directory: The demonstration's own; everything that is changed lies in it.
    """

    console: Console
    original: DemoModel
    directory: Path

    @property
    def model(self) -> Path:
        """The copy that is signed, attacked and loaded."""
        return self.directory / "model"

    @property
    def weights(self) -> Path:
        """The largest file of the copy."""
        return self.model / "model.safetensors"

    @property
    def signature(self) -> Path:
        """Where the publisher's signature lies."""
        return self.model / SIGNATURE_NAME

    @property
    def policy(self) -> Path:
        """The policy file."""
        return self.directory / "weighbridge.toml"

    @property
    def marker(self) -> Path:
        """What the malicious pickle would make, if anything loaded it."""
        return self.directory / "pwned"

    def private_key(self, owner: str) -> Path:
        """Return where the private key of *owner* lies."""
        return self.directory / f"{owner}.key"

    def public_key(self, owner: str) -> Path:
        """Return where the public key of *owner* lies."""
        return self.directory / f"{owner}.pub"

    def copy_model(self) -> None:
        """Copy the model once; attacks change the copy and put it back."""
        shutil.copytree(self.original.directory, self.model, copy_function=shutil.copyfile)

    def make_key(self, owner: str) -> None:
        """Make a P-256 key pair, the private part readable by this user only."""
        make_key(self.private_key(owner))

    def inspect(self) -> Inspection:
        """Look at the copy without judging it."""
        return inspect(self.model)

    def scan(self) -> ScanReport:
        """Look for what loading the copy would execute."""
        return scan(self.model)

    def sign(self, owner: str, *, signature: Path) -> SignResult:
        """Sign every file of the copy, those that belong to git included, with *owner*'s key."""
        return sign(
            self.model,
            signer=KeySigner.from_pem(self.private_key(owner).read_bytes()),
            signature=signature,
            selection=FileSelection(ignore_git_paths=False),
        )

    def check(self) -> Verdict:
        """Check the copy against the policy."""
        return check(self.model, policy=Policy.from_file(self.policy), boundary=BOUNDARY)

    def load(self) -> VerifiedArtifact:
        """Load the copy through the policy."""
        return load(self.model, policy=Policy.from_file(self.policy), boundary=BOUNDARY)
