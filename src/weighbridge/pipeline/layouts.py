"""How the files of a check are digested: as they were signed, and as the rule knows them."""

from collections.abc import Iterable

from weighbridge.core.digest import HashLayout
from weighbridge.inventory.take import DEFAULT_LAYOUTS
from weighbridge.pipeline.verify import VerifiedStatement
from weighbridge.policy.controls.provenance import asks_for_claims
from weighbridge.policy.rule import Rule


def layouts_for(statements: Iterable[VerifiedStatement], *, named: bool) -> tuple[HashLayout, ...]:
    """Return what was signed and, if *named* or nothing was, SHA-256 of whole files first."""
    signed = {statement.statement.layout for statement in statements}
    others = sorted(signed - set(DEFAULT_LAYOUTS), key=lambda e: (e.algorithm, e.shard_size or 0))
    wanted = named or not signed or len(others) < len(signed)
    return (DEFAULT_LAYOUTS if wanted else ()) + tuple(others)


def asks_for_sha256(rule: Rule) -> bool:
    """Tell whether *rule* knows files or the artifact by SHA-256, or results kept by it."""
    scan = rule.scan
    return bool(
        asks_for_claims(rule)
        or scan.cache
        or scan.approve
        or rule.remote_code_digests
        or any(suppression.sha256 is not None for suppression in scan.suppress)
    )
