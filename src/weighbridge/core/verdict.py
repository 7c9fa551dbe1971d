"""The outcome of a check: one of three decisions, with every reason. It has no truth value."""

from enum import StrEnum
from typing import NoReturn

from weighbridge.core.artifact import ArtifactDigests
from weighbridge.core.evidence import ProvenanceEvidence, Severity, SignatureEvidence, Uncovered
from weighbridge.core.lineage import Lineage
from weighbridge.core.values import frozen


class Decision(StrEnum):
    """Allow, deny, or nobody can tell; only allow admits anything."""

    ALLOW = "allow"
    DENY = "deny"
    INDETERMINATE = "indeterminate"


@frozen
class Reason:
    """
    One step of the argument.

    Attributes:
        code: A `Code` or a rule id; stable.
        severity: How grave; None for reasons that speak for the artifact.
        path: The file concerned; None for the whole artifact.
        message: One sentence, for people.
        decision: What this reason alone would lead to.
    """

    code: str
    severity: Severity | None
    path: str | None
    message: str
    decision: Decision

    @property
    def blocking(self) -> bool:
        """Whether the reason speaks against admission."""
        return self.decision is not Decision.ALLOW


@frozen
class PolicyReference:
    """
    The policy that decided.

    Attributes:
        path: Where it was read from; None for a policy made in memory.
        sha256: Lower-case hex digest of its bytes.
        rule: What the deciding rule matches on, and its index; None when no rule matched.
    """

    path: str | None
    sha256: str
    rule: str | None


@frozen
class Verdict:
    """
    What the policy says of an artifact, and why.

    Every model file is in exactly one of `covered` and `uncovered`, or has a gap among the
    reasons. Compare `decision`; the truth value raises, since `indeterminate` is neither.
    """

    decision: Decision
    artifact: ArtifactDigests | None
    policy: PolicyReference
    boundary: str
    reasons: tuple[Reason, ...]
    signers: tuple[SignatureEvidence, ...]
    provenance: tuple[ProvenanceEvidence, ...]
    covered: tuple[str, ...]
    uncovered: tuple[Uncovered, ...]
    lineage: Lineage | None = None

    def __bool__(self) -> NoReturn:
        raise TypeError("a verdict has three decisions and no truth value: compare .decision")
