"""Reading of what a rule asks about an artifact's origin: provenance, lineage and receipts."""

import re
from typing import Final

from weighbridge.core.attestation import VERIFIER_ID
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.limits.policy import MAX_RECEIPT_AGE_SECONDS
from weighbridge.policy.glob import Glob, wildcard_problem
from weighbridge.policy.rule import (
    ExpectedValue,
    LineageControl,
    LineageInputs,
    PartsControl,
    ProvenanceControl,
    ReceiptControl,
)
from weighbridge.policy.table import Table, quote
from weighbridge.policy.trust import MAX_SLSA_LEVEL

MAX_LINEAGE_DEPTH: Final = 64
"""Generations of inputs that a rule may ask about."""

BOUNDARY: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
"""What a boundary may be called."""

_AGE: Final = re.compile(r"([1-9][0-9]{0,9})([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}
_POLICY: Final = re.compile(r"sha256:([0-9a-f]{64})")


def read_provenance(rule: Table) -> ProvenanceControl:
    """Read `provenance`; one that is not required where the rule has none."""
    table = rule.table("provenance")
    if table is None:
        return ProvenanceControl()
    if not table.flag("required", default=True):
        table.refuse_others("required", why="has no meaning with required = false")
        return ProvenanceControl()
    source = table.glob("source", required=False)
    if source is not None and source.is_unbounded:
        table.problem("'source' stands for any source; leave it out or name one", key="source")
    build_type = table.texts("build-type", required=False)
    for place, uri in enumerate(build_type):
        if "*" in uri:
            message = f"'build-type': {quote(uri)} has a wildcard; here it has to be exact"
            table.problem(message, key="build-type", index=place)
    control = ProvenanceControl(
        required=True,
        builder=table.texts("builder"),
        min_level=table.integer("min-level", default=1, least=1, most=MAX_SLSA_LEVEL),
        source=source,
        build_type=build_type,
        parameters=_read_parameters(table),
    )
    table.finish()
    return control


def read_lineage(rule: Table) -> LineageControl | None:
    """Read `lineage`; None where the rule has none, or where problems were recorded."""
    table = rule.table("lineage")
    if table is None:
        return None
    inputs = table.choice("inputs", LineageInputs, default=None)
    depth = table.integer("depth", default=1, least=1, most=MAX_LINEAGE_DEPTH)
    boundary = _read_boundary(table)
    parents = _read_names(table, "from")
    table.finish()
    if inputs is None:
        return None
    return LineageControl(inputs=inputs, depth=depth, boundary=boundary, parents=parents)


def read_receipt(rule: Table) -> ReceiptControl | None:
    """Read `receipt`; None where the rule has none, or where problems were recorded."""
    table = rule.table("receipt")
    if table is None:
        return None
    issuer = table.text("from")
    max_age = _read_age(table)
    policy = _read_policy(table)
    verifier = table.text("verifier", required=False)
    if verifier is not None and "*" in verifier:
        message = f"'verifier': {quote(verifier)} has a wildcard; here it has to be exact"
        table.problem(message, key="verifier")
    required = table.flag("required", default=False)
    boundary = _read_boundary(table)
    resource = _read_names(table, "resource")
    table.finish()
    if issuer is None or max_age is None or policy is None:
        return None
    return ReceiptControl(
        issuer=issuer,
        verifier=verifier or VERIFIER_ID,
        max_age=max_age,
        policy=policy,
        required=required,
        boundary=boundary,
        resource=resource,
    )


def read_parts(rule: Table) -> PartsControl | None:
    """Read `parts`; None where the rule has none, or where problems were recorded."""
    table = rule.table("parts")
    if table is None:
        return None
    issuer = table.text("from")
    table.finish()
    return None if issuer is None else PartsControl(issuer=issuer)


def age_text(seconds: int) -> str:
    """Return *seconds* as the key `max-age` has them, in the largest unit that is exact."""
    for unit in ("d", "h", "m"):
        if seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"


def _read_parameters(provenance: Table) -> tuple[tuple[str, ExpectedValue], ...]:
    """Read what each external parameter has to be; a name is not a pattern."""
    table = provenance.table("parameters")
    if table is None:
        return ()
    read: list[tuple[str, ExpectedValue]] = []
    for name in sorted(table.keys):
        if not table.is_list(name):
            text = table.text(name)
            if text is not None:
                read.append((name, _pattern(table, name, text)))
            continue
        words = table.words(name)
        if words:
            read.append((name, tuple(_pattern(table, name, word) for word in words)))
    table.finish()
    return tuple(read)


def _pattern(table: Table, key: str, text: str) -> Glob:
    """Return *text* as a pattern in which only `*` and `**` have a meaning: it may be any text."""
    problem = wildcard_problem(text)
    if problem is not None:
        table.problem(f"{quote(key)}: {quote(text)} {problem}", key=key)
    return Glob(text)


def _read_boundary(table: Table) -> str | None:
    boundary = table.text("boundary", required=False)
    if boundary is not None and BOUNDARY.fullmatch(boundary) is None:
        message = f"'boundary': expected a name such as upload (a-z 0-9 -), found {quote(boundary)}"
        table.problem(message, key="boundary")
    return boundary


def _read_names(table: Table, key: str) -> tuple[Glob, ...]:
    """Read patterns for names, none of which stands for every name."""
    if not table.has(key):
        table.texts(key, required=False)
        return ()
    globs = table.globs(key)
    for glob in globs:
        if glob.is_unbounded:
            message = f"'{key}': {quote(glob.pattern)} stands for every name; leave it out"
            table.problem(message, key=key)
    return globs


def _read_age(table: Table) -> int | None:
    text = table.text("max-age")
    if text is None:
        return None
    match = _AGE.fullmatch(text)
    seconds = 0 if match is None else int(match[1]) * _SECONDS[match[2]]
    if not 0 < seconds <= MAX_RECEIPT_AGE_SECONDS:
        most = age_text(MAX_RECEIPT_AGE_SECONDS)
        table.problem(
            f"'max-age': expected a number with s, m, h or d, such as 30d, and at most {most}; "
            f"found {quote(text)}",
            key="max-age",
        )
        return None
    return seconds


def _read_policy(table: Table) -> Digest | None:
    text = table.text("policy")
    if text is None:
        return None
    match = _POLICY.fullmatch(text)
    if match is None:
        table.problem(
            f"'policy': expected sha256: and 64 lower-case hexadecimal digits, found {quote(text)}",
            key="policy",
        )
        return None
    return Digest(HashAlgorithm.SHA256, bytes.fromhex(match[1]))
