"""What a control gets and gives."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from weighbridge.core.artifact import FileEntry, Inventory
from weighbridge.core.attestation import Attestation, Binding
from weighbridge.core.digest import Digest
from weighbridge.core.evidence import (
    ClaimedBase,
    Clean,
    Consulted,
    Evidence,
    Finding,
    Gap,
    SignatureEvidence,
    Stage,
)
from weighbridge.core.values import frozen
from weighbridge.core.verdict import Reason
from weighbridge.policy.rule import Rule
from weighbridge.policy.schema import Policy


@frozen
class Naming:
    """
    One way in which claims may name the artifact, and which of its files that is about.

    Attributes:
        binding: Both digests.
        paths: The files that went into them. Signatures may leave out some of an artifact's
            files, so that there is more than one way.
    """

    binding: Binding
    paths: frozenset[str]


@frozen
class Submission:
    """
    Everything that a decision rests on.

    Attributes:
        policy: Where trust entries and builders are looked up.
        rule: The deciding rule, one of the policy's.
        boundary: Where the policy is being applied.
        inventory: The artifact's files; None when it could not be taken.
        evidence: What the stages say.
        now: The clock of this run, with a time zone.
        bindings: How claims may name the artifact; none where its digests are not known.
        isolated: Whether what the rule demands of isolation will be enforced.
        receipt: The verdict that stands for the scan and the lineage; None where none does.
    """

    policy: Policy
    rule: Rule
    boundary: str
    inventory: Inventory | None
    evidence: tuple[Evidence, ...]
    now: datetime
    bindings: tuple[Naming, ...] = ()
    isolated: bool = False
    receipt: Attestation | None = None

    @property
    def entries(self) -> tuple[FileEntry, ...]:
        """Every file of the artifact."""
        return () if self.inventory is None else self.inventory.entries

    @property
    def model_entries(self) -> tuple[FileEntry, ...]:
        """The files that make up the model."""
        return () if self.inventory is None else self.inventory.model_entries

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the scanner found."""
        return tuple(item for item in self.evidence if isinstance(item, Finding))

    @property
    def signatures(self) -> tuple[SignatureEvidence, ...]:
        """The signatures that hold."""
        return tuple(item for item in self.evidence if isinstance(item, SignatureEvidence))

    @property
    def attestations(self) -> tuple[Attestation, ...]:
        """Verified statements about the artifact and about others."""
        return tuple(item for item in self.evidence if isinstance(item, Attestation))

    @property
    def bases(self) -> tuple[ClaimedBase, ...]:
        """What adapters among the files call the models that they are put on."""
        return tuple(item for item in self.evidence if isinstance(item, ClaimedBase))

    @property
    def consulted(self) -> tuple[Consulted, ...]:
        """The other scanners that were asked."""
        return tuple(item for item in self.evidence if isinstance(item, Consulted))

    def file_digests(self) -> dict[str, Digest | None]:
        """Return the SHA-256 of every file by its path, None where it is not known."""
        return {entry.path: entry.sha256 for entry in self.entries}

    def clean_paths(self, stage: Stage) -> frozenset[str]:
        """Return the files that *stage* examined without finding anything."""
        return frozenset(
            item.path for item in self.evidence if isinstance(item, Clean) and item.stage is stage
        )

    def gaps(self, stage: Stage) -> tuple[Gap, ...]:
        """Return what *stage* could not examine."""
        given = tuple(
            item for item in self.evidence if isinstance(item, Gap) and item.stage is stage
        )
        if stage is Stage.INVENTORY and self.inventory is not None:
            # An inventory's gaps count as its own whatever stage they name.
            return given + self.inventory.gaps
        return given


Control = Callable[[Submission], Iterable[Reason]]
"""
Gives the reasons of one control; total: it raises nothing and needs no other control's outcome.

A control that has nothing against the submission gives no blocking reason.
"""


class Located(Protocol):
    """Evidence about a file, or a member of one."""

    @property
    def path(self) -> str | None:
        """The file."""
        ...

    @property
    def member(self) -> str | None:
        """The member of the file."""
        ...


def in_member(item: Located) -> str:
    """Return ` (in MEMBER)` for the message about *item*, or nothing."""
    return "" if item.member is None else f" (in {item.member})"
