"""
What a signing method is: one file with a `Signer` and a `Verifier`.

::

    Statement --render_statement--> bytes --Signer--> bundle bytes
    bundle bytes --parse_bundle--> Bundle --Verifier--> VerifiedIdentity
    Bundle.payload --parse_statement--> Statement --compare with Inventory--> Coverage

The three checks of a verification are apart on purpose: who signed (`key`, `certificate`), what
was said (`statement`), and whether the files are what was said (`coverage`). None of them opens
a file, reads a clock or keeps state between two calls.
"""

from datetime import datetime
from typing import Protocol, runtime_checkable

from weighbridge.core.identity import SigningMethod, VerifiedIdentity
from weighbridge.signing.bundle import Bundle


class Signer(Protocol):
    """Makes signatures with one key."""

    @property
    def method(self) -> SigningMethod:
        """How the signature is made."""
        ...

    def sign(self, statement: bytes, /) -> bytes:
        """Return the signature file for the very bytes *statement*."""
        ...


class Verifier(Protocol):
    """Checks who made a signature, against trust that the caller gave."""

    @property
    def method(self) -> SigningMethod:
        """How the signatures that it accepts are made."""
        ...

    def verify(self, bundle: Bundle, /, *, at: datetime) -> VerifiedIdentity:
        """
        Return who signed the payload bytes of *bundle*.

        The identity holds for `bundle.payload` and nothing else: what the payload says, and
        whether the files are like that, is for the caller to check next.

        Args:
            bundle: As parsed from the signature file.
            at: The caller's clock, with a time zone; read once per run.

        Raises:
            SignatureRejectedError: The signature does not hold, or is by somebody else.
        """
        ...


@runtime_checkable
class GlancingVerifier(Protocol):
    """A verifier that can tell cheaply that a signature does not even claim to be by its signer."""

    def glance(self, bundle: Bundle, /) -> None:
        """
        Refuse what says of itself that somebody else signed it.

        For whoever has many signatures and many signers. What passes is not verified at all.

        Raises:
            SignatureRejectedError: By its own words it is by somebody else, or it is broken.
        """
        ...
