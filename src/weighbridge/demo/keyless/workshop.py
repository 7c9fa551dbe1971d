"""
The place where the demonstration of keyless signing works.

It has a Sigstore instance of its own beside it, which is a test instance: see
`weighbridge.demo.instance`. What a user would do goes through `weighbridge.pipeline` here, too.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from weighbridge.core.values import frozen
from weighbridge.demo.instance.careless import sign_carelessly
from weighbridge.demo.instance.identity import GITHUB_ISSUER, WorkflowRun
from weighbridge.demo.instance.loopback import LoopbackSigstore
from weighbridge.demo.workshop import Workshop
from weighbridge.pipeline.selection import FileSelection
from weighbridge.pipeline.sign import SignResult, sign
from weighbridge.signing.bundle import Bundle, parse_bundle
from weighbridge.signing.sigstore.credentials import GivenToken
from weighbridge.signing.sigstore.signer import SigstoreSigner
from weighbridge.signing.sigstore.trust import Trust, parse_trust

RELEASE: Final = WorkflowRun()
"""The run of the workflow that publishes the model."""

IDENTITY: Final = "https://github.com/acme/models/.github/workflows/release.yml@refs/tags/*"
"""Whom the policy expects: that workflow, for any tag."""

_POLICY: Final = """\
version = 1

[trust.release]                      # who may sign: a workflow, for any tag
method = "sigstore"
identity = "{identity}"
issuer = "{issuer}"
trusted-root = "{root}"
trusted-root-sha256 = "{sha256}"

[[rule]]                             # what is asked of the model
match     = ["model"]
boundary  = ["load"]
formats   = {{ allow = ["safetensors", "json", "text", "tokenizer"], deny-executable = true }}
scan      = {{ fail-on = "medium", on-gap = "deny" }}
signature = {{ required = true, any-of = ["release"], uncovered = "deny" }}
"""


@frozen
class KeylessWorkshop(Workshop):
    """
    A workshop with a Sigstore instance.

    Attributes:
        instance: Signs for whoever has a token.
        switch_off: Ends the instance; its files stay.
    """

    instance: LoopbackSigstore
    switch_off: Callable[[], None]

    @property
    def trusted_root(self) -> Path:
        """Whom the policy trusts: the instance's authorities and logs."""
        return self.instance.trusted_root

    @property
    def trust_config(self) -> str:
        """The file that tells signers about the instance, as they would type it."""
        return str(self.instance.trust_config.relative_to(self.directory))

    def sign_as(self, token: str) -> SignResult:
        """Sign every file of the copy as whoever *token* is about."""
        return sign(
            self.model,
            signer=_signer(self.instance, token),
            signature=self.signature,
            selection=FileSelection(ignore_git_paths=False),
        )

    def signed(self) -> Bundle:
        """Return the parts of the signature as it lies there."""
        return parse_bundle(self.signature.read_bytes(), where=str(self.signature))

    def seal(self, token: str, *, instance: LoopbackSigstore | None = None) -> bytes:
        """Return another signature over what is signed already, by whoever *token* is about."""
        return _signer(instance or self.instance, token).sign(self.signed().payload)

    def seal_carelessly(self, token: str) -> bytes:
        """Do the same without a look at the result, which `seal` would refuse to give out."""
        return sign_carelessly(self.instance, self.signed().payload, token=token).bundle()

    def policy_text(self) -> str:
        """Return what the loader's side asks of the model."""
        return _POLICY.format(
            identity=IDENTITY,
            issuer=GITHUB_ISSUER,
            root=self.trusted_root.relative_to(self.directory),
            sha256=hashlib.sha256(self.trusted_root.read_bytes()).hexdigest(),
        )


def _signer(instance: LoopbackSigstore, token: str) -> SigstoreSigner:
    return SigstoreSigner(trust=_trust(instance), credentials=GivenToken(text=token))


def _trust(instance: LoopbackSigstore) -> Trust:
    place = instance.trust_config
    return parse_trust(place.read_bytes(), where=str(place))
