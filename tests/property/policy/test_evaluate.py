"""What holds of every decision, whatever the policy and the evidence."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from support.policies import (
    DIGESTS,
    FILES,
    NOW,
    certificate_identity,
    clean,
    entry_of,
    finding_of,
    gap_of,
    inventory_of,
    key_identity,
    policy_of,
    signature_of,
)
from weighbridge.core.artifact import ArtifactDigests, EntryRole, FileFormat, Inventory
from weighbridge.core.codes import Code
from weighbridge.core.evidence import Evidence, Severity, SignatureEvidence, Stage
from weighbridge.core.verdict import Decision, Verdict
from weighbridge.policy.evaluate import evaluate
from weighbridge.policy.schema import Policy
from weighbridge.policy.selection import select_rule

PATHS = ("config.json", "model.safetensors", "m.py", ".gitattributes", "sub/x.bin")
TRUSTS = ("hsm", "spare", "corp", "loose", "keyless", "nobody")

SIGNATURE_LINES = st.one_of(
    st.just("signature = { required = false }"),
    st.builds(
        lambda names, share, uncovered: (
            f"signature = {{ any-of = {list(names)!r}, "
            f"threshold = {1 + share % len(names)}, uncovered = '{uncovered}' }}"
        ),
        st.lists(st.sampled_from(TRUSTS[:5]), min_size=1, max_size=4, unique=True),
        st.integers(0, 3),
        st.sampled_from(["deny", "allow-git-metadata"]),
    ),
)
OTHER_LINES = st.lists(
    st.sampled_from(
        [
            (
                'scan = { fail-on = "high", on-gap = "indeterminate", suppress = [{ rule = "x", '
                'path = "*.json", reason = "r", expires = 2031-12-31 }] }'
            ),
            "formats = { deny-executable = false }",
            'remote-code = "allow"',
            'symlinks = "files"',
            'suffix-lies = "report"',
            'provenance = { builder = ["runner"] }',
            'receipt = { from = "hsm", max-age = "1d", policy = "sha256:' + "1" * 64 + '" }',
            "isolation = {}",
        ]
    ),
    unique=True,
    max_size=4,
)
POLICIES = st.builds(lambda first, rest: policy_of(first, *rest), SIGNATURE_LINES, OTHER_LINES)

ENTRIES = st.builds(
    entry_of,
    st.sampled_from(PATHS),
    st.sampled_from([*FileFormat, None]),
    role=st.sampled_from([EntryRole.MODEL, EntryRole.MODEL, EntryRole.CLAIMS]),
    through_symlink=st.booleans(),
    suffix_format=st.sampled_from([None, FileFormat.JSON]),
)
INVENTORIES = st.one_of(
    st.just(inventory_of(files=FILES)),
    st.lists(ENTRIES, max_size=4, unique_by=lambda e: e.path).map(lambda es: inventory_of(*es)),
)
FINDINGS = st.builds(
    finding_of,
    st.sampled_from(PATHS),
    rule=st.sampled_from(["x", "pickle-global", "remote-code-auto-map"]),
    severity=st.sampled_from(Severity),
)
GAPS = st.builds(
    gap_of,
    st.sampled_from(Code),
    stage=st.sampled_from(Stage),
    path=st.sampled_from([*PATHS, None]),
)
SIGNATURES = st.builds(
    signature_of,
    st.sampled_from([FILES, PATHS, PATHS[:1], (*FILES, "gone")]),
    trust=st.sampled_from([*TRUSTS, None]),
    identity=st.sampled_from([key_identity(1), key_identity(2), certificate_identity()]),
)
CLEANS = st.just(clean(*PATHS))
EVIDENCE = st.builds(
    lambda words, *parts: (*words, *(item for part in parts for item in part)),
    st.one_of(CLEANS, CLEANS, st.just(clean("config.json"))),
    st.lists(FINDINGS, max_size=2),
    st.lists(GAPS, max_size=2),
    st.lists(SIGNATURES, max_size=4),
)


def judge_all(
    policy: Policy,
    inventory: Inventory | None,
    evidence: tuple[Evidence, ...],
    digests: ArtifactDigests | None = DIGESTS,
) -> Verdict:
    """Evaluate exactly this evidence."""
    return evaluate(
        policy,
        selection=select_rule(policy, names=("a",), boundary="load"),
        inventory=inventory,
        evidence=evidence,
        digests=digests,
        now=NOW,
    )


@given(
    policy=POLICIES,
    inventory=st.none() | INVENTORIES,
    evidence=EVIDENCE,
    digests=st.sampled_from([DIGESTS, None]),
)
def test_every_file_is_accounted_for(
    policy: Policy,
    inventory: Inventory | None,
    evidence: tuple[Evidence, ...],
    digests: ArtifactDigests | None,
) -> None:
    """Evaluation is total, and each model file is in exactly one of covered and uncovered."""
    verdict = judge_all(policy, inventory, evidence, digests)
    listed = sorted([*verdict.covered, *(u.path for u in verdict.uncovered)])
    assert listed == ([] if inventory is None else [e.path for e in inventory.model_entries])


@given(
    policy=POLICIES,
    inventory=st.none() | INVENTORIES,
    evidence=EVIDENCE,
    digests=st.sampled_from([DIGESTS, None]),
)
def test_reasons_bear_the_decision(
    policy: Policy,
    inventory: Inventory | None,
    evidence: tuple[Evidence, ...],
    digests: ArtifactDigests | None,
) -> None:
    """The decision is the gravest of its reasons, and an allow says by whom and of what."""
    verdict = judge_all(policy, inventory, evidence, digests)
    decisions = {reason.decision for reason in verdict.reasons}
    assert verdict.decision in decisions
    if Decision.DENY in decisions:
        assert verdict.decision is Decision.DENY
    allowed = [reason for reason in verdict.reasons if reason.code == "allowed"]
    if verdict.decision is not Decision.ALLOW:
        assert not allowed
        return
    assert decisions == {Decision.ALLOW}
    assert len(allowed) == 1
    assert inventory is not None
    assert inventory.model_entries
    assert verdict.artifact == DIGESTS
    rule = policy.rules[0].signature
    if rule.required:
        signers = {signer.trust for signer in verdict.signers}
        assert len(signers) >= rule.threshold
        assert signers <= set(rule.any_of)


@given(
    policy=POLICIES,
    inventory=INVENTORIES,
    evidence=EVIDENCE,
    more=st.one_of(FINDINGS, GAPS),
)
def test_bad_news_never_help(
    policy: Policy, inventory: Inventory, evidence: tuple[Evidence, ...], more: Evidence
) -> None:
    """A further finding or gap never turns another decision into allow."""
    scanned = (*clean(*PATHS), *evidence)
    before = judge_all(policy, inventory, scanned).decision
    after = judge_all(policy, inventory, (*scanned, more)).decision
    assert after is not Decision.ALLOW or before is Decision.ALLOW


@given(
    policy=POLICIES,
    inventory=INVENTORIES,
    evidence=EVIDENCE,
    extra=ENTRIES.map(lambda e: e.path),
    kind=st.sampled_from(FileFormat),
)
def test_another_file_never_helps(
    policy: Policy,
    inventory: Inventory,
    evidence: tuple[Evidence, ...],
    extra: str,
    kind: FileFormat,
) -> None:
    """A further file, scanned clean but outside every signature, never brings an allow."""
    path = f"added/{extra}"
    evidence = (*evidence, *clean(path))
    grown = inventory_of(*inventory.entries, entry_of(path, kind))
    before = judge_all(policy, inventory, evidence)
    after = judge_all(policy, grown, evidence)
    if inventory.model_entries and before.decision is not Decision.ALLOW:
        assert after.decision is not Decision.ALLOW
    if policy.rules[0].signature.required:
        assert after.decision is not Decision.ALLOW


@given(policy=POLICIES, inventory=INVENTORIES, evidence=EVIDENCE, data=st.data())
def test_one_signature_fewer_never_helps(
    policy: Policy, inventory: Inventory, evidence: tuple[Evidence, ...], data: st.DataObject
) -> None:
    """Taking a signature away never turns another decision into allow."""
    signatures = [e for e in evidence if isinstance(e, SignatureEvidence)]
    if not signatures:
        return
    gone = data.draw(st.sampled_from(signatures))
    fewer = tuple(e for e in evidence if e is not gone)
    before = judge_all(policy, inventory, evidence).decision
    after = judge_all(policy, inventory, fewer).decision
    assert after is not Decision.ALLOW or before is Decision.ALLOW


@settings(max_examples=50)
@given(policy=POLICIES, inventory=INVENTORIES, evidence=EVIDENCE, random=st.randoms())
def test_order_has_no_effect(
    policy: Policy,
    inventory: Inventory,
    evidence: tuple[Evidence, ...],
    random: Random,
) -> None:
    """The same evidence in another order, or given twice, leads to an equal verdict."""
    shuffled = [*evidence, *evidence]
    random.shuffle(shuffled)
    assert judge_all(policy, inventory, tuple(shuffled)) == judge_all(policy, inventory, evidence)
