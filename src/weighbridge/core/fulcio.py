"""
What Fulcio, the certificate authority of Sigstore, writes into a certificate about a signer.

Source: https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md.
"""

from types import MappingProxyType
from typing import Final

ARC: Final = "1.3.6.1.4.1.57264.1"
"""All of Fulcio's extensions lie below this object identifier."""

ISSUER_TEXT: Final = f"{ARC}.1"
"""The identity provider, as bare text; deprecated, and in every certificate so far."""

ISSUER: Final = f"{ARC}.8"
"""The identity provider, as a DER UTF8String."""

USER_NAME: Final = f"{ARC}.7"
"""The kind of other name in the subject alternative name that is a user's name."""

TEXT_CLAIMS: Final = MappingProxyType(
    {
        f"{ARC}.2": "github-workflow-trigger",
        f"{ARC}.3": "github-workflow-sha",
        f"{ARC}.4": "github-workflow-name",
        f"{ARC}.5": "github-workflow-repository",
        f"{ARC}.6": "github-workflow-ref",
    }
)
"""Claims as bare text; deprecated, of GitHub only."""

CLAIMS: Final = MappingProxyType(
    {
        f"{ARC}.9": "build-signer-uri",
        f"{ARC}.10": "build-signer-digest",
        f"{ARC}.11": "runner-environment",
        f"{ARC}.12": "source-repository-uri",
        f"{ARC}.13": "source-repository-digest",
        f"{ARC}.14": "source-repository-ref",
        f"{ARC}.15": "source-repository-identifier",
        f"{ARC}.16": "source-repository-owner-uri",
        f"{ARC}.17": "source-repository-owner-identifier",
        f"{ARC}.18": "build-config-uri",
        f"{ARC}.19": "build-config-digest",
        f"{ARC}.20": "build-trigger",
        f"{ARC}.21": "run-invocation-uri",
        f"{ARC}.22": "source-repository-visibility",
    }
)
"""Claims as DER UTF8Strings, of every identity provider that builds things."""

CLAIM_NAMES: Final = (*CLAIMS.values(), *TEXT_CLAIMS.values())
"""The names of all claims, as policies have them."""
