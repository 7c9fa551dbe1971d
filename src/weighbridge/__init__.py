"""
weighbridge: where model weights are checked before they go on the road.

::

    import weighbridge as wb

    policy = wb.Policy.from_file("weighbridge.toml")
    model = wb.load("models/bert", policy=policy)   # raises unless the policy allows it
    tensors = model.tensors()                       # from the very bytes that were verified

The names here are the stable ones. They are imported when they are first used, so that
`import weighbridge` costs nothing.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

# Not imported from `typing`: that takes longer than all the rest, at the start of every program
# that is guarded.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from weighbridge.core.digest import HashAlgorithm, HashLayout
    from weighbridge.core.errors import (
        PolicyDeniedError,
        PolicyIndeterminateError,
        WeighbridgeError,
    )
    from weighbridge.core.verdict import Decision, Verdict
    from weighbridge.load.artifact import VerifiedArtifact
    from weighbridge.load.isolated.plain import Opaque
    from weighbridge.pipeline.check import check
    from weighbridge.pipeline.describe import digest, inspect
    from weighbridge.pipeline.guard.activation import guard
    from weighbridge.pipeline.load import load
    from weighbridge.pipeline.scan import scan
    from weighbridge.pipeline.selection import FileSelection
    from weighbridge.pipeline.sign import sign
    from weighbridge.pipeline.verify import verify
    from weighbridge.policy.schema import Policy
    from weighbridge.signing.certificate import CertificateSigner, CertificateVerifier
    from weighbridge.signing.identity import ExpectedIdentity
    from weighbridge.signing.key import KeySigner, KeyVerifier

__all__ = [
    "CertificateSigner",
    "CertificateVerifier",
    "Decision",
    "ExpectedIdentity",
    "FileSelection",
    "HashAlgorithm",
    "HashLayout",
    "KeySigner",
    "KeyVerifier",
    "Opaque",
    "Policy",
    "PolicyDeniedError",
    "PolicyIndeterminateError",
    "Verdict",
    "VerifiedArtifact",
    "WeighbridgeError",
    "check",
    "digest",
    "guard",
    "inspect",
    "load",
    "scan",
    "sign",
    "verify",
]

_HOMES: Final = {
    "CertificateSigner": "signing.certificate",
    "CertificateVerifier": "signing.certificate",
    "Decision": "core.verdict",
    "ExpectedIdentity": "signing.identity",
    "FileSelection": "pipeline.selection",
    "HashAlgorithm": "core.digest",
    "HashLayout": "core.digest",
    "KeySigner": "signing.key",
    "KeyVerifier": "signing.key",
    "Opaque": "load.isolated.plain",
    "Policy": "policy.schema",
    "PolicyDeniedError": "core.errors",
    "PolicyIndeterminateError": "core.errors",
    "Verdict": "core.verdict",
    "VerifiedArtifact": "load.artifact",
    "WeighbridgeError": "core.errors",
    "check": "pipeline.check",
    "digest": "pipeline.describe",
    "guard": "pipeline.guard.activation",
    "inspect": "pipeline.describe",
    "load": "pipeline.load",
    "scan": "pipeline.scan",
    "sign": "pipeline.sign",
    "verify": "pipeline.verify",
}


def __getattr__(name: str) -> object:
    """Import the public name *name* from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


class _Package(ModuleType):
    """
    This package, whose functions `load` and `scan` are named like two of its folders.

    Importing a folder makes Python set it as an attribute of the package; that must not hide
    the function. Folders are imported by their dotted names, which need no attribute.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
