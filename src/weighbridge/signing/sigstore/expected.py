"""Whom the caller of a keyless verification expects."""

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Protocol

from weighbridge.core.codes import Code
from weighbridge.core.errors import SignatureRejectedError, UsageError
from weighbridge.core.fulcio import CLAIM_NAMES
from weighbridge.core.values import frozen


class Pattern(Protocol):
    """What a name has to be; see `policy.glob.IdentityGlob` for the one with wildcards."""

    @property
    def pattern(self) -> str:
        """The pattern as its author wrote it."""
        ...

    def matches(self, name: str, /) -> bool:
        """Tell whether the whole of *name* matches."""
        ...


@frozen(kw_only=False)
class Exactly:
    """A pattern that one name matches, and in which nothing is a wildcard."""

    pattern: str

    def matches(self, name: str, /) -> bool:
        """Tell whether *name* is the one, code point by code point."""
        return name == self.pattern


@frozen
class CertifiedSigner:
    """
    Whom a certificate names; as true as the certificate.

    Attributes:
        name: The one name.
        issuer: URL of the identity provider.
        claims: By Fulcio's names for them.
    """

    name: str
    issuer: str
    claims: Mapping[str, str]


@frozen
class ExpectedSigner:
    """
    Who must have signed; all conditions have to hold.

    A public instance of Sigstore gives a certificate to everybody who has an account somewhere.
    So a name is always required, and who has to vouch for it: another provider may give the same
    name to somebody else.

    Attributes:
        identity: The name in the certificate.
        issuer: URL of the identity provider, exactly.
        claims: What else the provider has to say, by Fulcio's names.

    Raises:
        UsageError: A condition is empty, or no certificate could meet it.
    """

    identity: Pattern
    issuer: str
    claims: Mapping[str, Pattern] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        unknown = sorted(set(self.claims) - set(CLAIM_NAMES))
        if unknown:
            raise UsageError(
                "there is no such claim", expected=", ".join(CLAIM_NAMES), found=unknown[0]
            )
        if not (self.identity.pattern and self.issuer):
            raise UsageError(
                "the sigstore method needs the identity of the expected signer",
                code=Code.IDENTITY_REQUIRED,
                expected="the name in the certificate and the identity provider's URL",
                found="an empty one",
                hint="Give --identity and --identity-provider",
            )

    def require(self, signer: CertifiedSigner, *, where: str) -> None:
        """
        Refuse everybody but the expected signer.

        Raises:
            SignatureRejectedError: Somebody else signed, or somebody else vouched.
        """
        checks: list[tuple[str, Pattern, str | None]] = [
            ("identity provider", Exactly(self.issuer), signer.issuer),
            ("name", self.identity, signer.name),
        ]
        checks += [
            (f"claim '{name}'", pattern, signer.claims.get(name))
            for name, pattern in sorted(self.claims.items())
        ]
        for what, pattern, found in checks:
            if found is None or not pattern.matches(found):
                raise SignatureRejectedError(
                    f"the signer's certificate has another {what}",
                    code=Code.IDENTITY_MISMATCH,
                    where=where,
                    expected=repr(pattern.pattern),
                    found="none" if found is None else repr(found),
                )
