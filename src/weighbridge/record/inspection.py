"""What the records of an inspection need to know of it."""

from collections.abc import Sequence
from typing import Protocol

from weighbridge.core.artifact import ArtifactDigests, Inventory
from weighbridge.core.identity import ClaimedIdentity, SigningMethod


class SignatureClaim(Protocol):
    """What a signature file says, unverified."""

    @property
    def path(self) -> str:
        """The file's name."""
        ...

    @property
    def method(self) -> SigningMethod | None:
        """How it says that it was made; None when it cannot be read."""
        ...

    @property
    def subject(self) -> ClaimedIdentity | None:
        """What the signer called the model."""
        ...

    @property
    def files(self) -> int:
        """How many files it names."""
        ...

    @property
    def problem(self) -> str | None:
        """Why it cannot be read, if so."""
        ...


class Inspected(Protocol):
    """What an artifact is made of."""

    @property
    def inventory(self) -> Inventory:
        """Every file."""
        ...

    @property
    def digests(self) -> ArtifactDigests | None:
        """How claims would name it; None while the inventory has gaps."""
        ...

    @property
    def signature(self) -> SignatureClaim | None:
        """The first signature beside it, unverified; None where there is none."""
        ...

    @property
    def signatures(self) -> Sequence[SignatureClaim]:
        """Every signature beside it, unverified."""
        ...
