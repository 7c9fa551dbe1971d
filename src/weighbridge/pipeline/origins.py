"""What a check asks about where an artifact comes from, besides what its claims say."""

from collections.abc import Iterable
from datetime import datetime

from weighbridge.core.artifact import Inventory
from weighbridge.core.evidence import Evidence
from weighbridge.pipeline.adapters import claimed_bases
from weighbridge.policy.controls.interface import Naming, Submission
from weighbridge.policy.controls.receipt import search_receipt
from weighbridge.policy.rule import Rule, Stamps
from weighbridge.policy.schema import Policy
from weighbridge.scan.runner import Contents


def may_remember(rule: Rule) -> bool:
    """
    Tell whether a check under *rule* may use what an earlier one found out about untouched files.

    Where the rule has a lineage, an adapter's configuration is read; where it has a receipt, the
    digests are always computed again.
    """
    return (
        rule.stamps is Stamps.TRUST
        and not rule.scan.also
        and rule.lineage is None
        and rule.receipt is None
    )


def bases_evidence(rule: Rule, inventory: Inventory, contents: Contents) -> tuple[Evidence, ...]:
    """Return what adapters among the files call their bases, where *rule* wants to know."""
    return () if rule.lineage is None else tuple(claimed_bases(inventory, contents))


def accepts_receipt(
    policy: Policy,
    rule: Rule,
    *,
    boundary: str,
    inventory: Inventory,
    evidence: Iterable[Evidence],
    bindings: tuple[Naming, ...],
    now: datetime,
) -> bool:
    """Tell whether a receipt stands for the scan of these very files; the policy decides again."""
    search = search_receipt(
        Submission(
            policy=policy,
            rule=rule,
            boundary=boundary,
            inventory=inventory,
            evidence=tuple(evidence),
            now=now,
            bindings=bindings,
        )
    )
    return search is not None and search.accepted is not None
