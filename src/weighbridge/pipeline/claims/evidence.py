"""What the claims of an artifact give a check: verified statements, and gaps."""

from datetime import datetime

from weighbridge.core.evidence import Evidence
from weighbridge.pipeline.claims.reading import read_claims
from weighbridge.pipeline.claims.verifying import needed_trust, verify_claims
from weighbridge.policy.controls.provenance import asks_for_claims
from weighbridge.policy.rule import Rule
from weighbridge.policy.schema import Policy
from weighbridge.sources.interface import LocalHandle


def claims_evidence(
    handle: LocalHandle,
    policy: Policy,
    rule: Rule,
    *,
    boundary: str,
    at: datetime,
    parts: bool = False,
) -> tuple[Evidence, ...]:
    """
    Read and verify the claims about the artifact, as far as *rule* can need them.

    Nothing is read where the rule asks for nothing that claims say.

    Args:
        handle: The artifact.
        policy: Whose trust entries count.
        rule: Which of its rules decides.
        boundary: At which boundary.
        at: The clock of this run.
        parts: Whether digests of parts are of use, if the rule takes any.

    Raises:
        UsageError, KeyRejectedError, OperationError, PolicyError: As `verify_claims`.
    """
    if not asks_for_claims(rule) and not (parts and rule.parts is not None):
        return ()
    found = read_claims(handle)
    trust = needed_trust(policy, rule, boundary=boundary)
    attestations, gaps = verify_claims(found.lines, policy, trust=trust, at=at)
    return (*found.gaps, *attestations, *gaps)
