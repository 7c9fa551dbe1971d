"""Tests of claims held against a policy's trust: who signed, and what that says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.claims import (
    BUILT,
    FILES,
    SIGNERS,
    UNSIGNED,
    Bench,
    artifact_of,
    build_by,
    claim,
    make_bench,
    sign_by,
)
from support.pki import NOW
from support.signatures import key_signer
from weighbridge.core.attestation import Attestation, Build, SignedFiles
from weighbridge.core.codes import Code
from weighbridge.core.digest import HashAlgorithm, HashLayout
from weighbridge.core.errors import ClaimError, UsageError
from weighbridge.core.evidence import Gap, Stage
from weighbridge.pipeline.claims.evidence import claims_evidence
from weighbridge.pipeline.claims.reading import parse_lines
from weighbridge.pipeline.claims.verifying import needed_trust, read_line, verify_claims
from weighbridge.pipeline.claims.writing import append_claims
from weighbridge.pipeline.sign import sign
from weighbridge.sources.local import locate

NAME = "model.claims.jsonl"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Make a policy that believes builds by the runner."""
    return make_bench(tmp_path, ("**", UNSIGNED, BUILT))


def verified(
    bench: Bench, *lines: bytes, trust: tuple[str, ...] = tuple(SIGNERS)
) -> tuple[tuple[Attestation, ...], tuple[Gap, ...]]:
    """Verify *lines*."""
    read = parse_lines(b"\n".join(lines), name=NAME)
    return verify_claims(read, bench.policy, trust=trust, at=NOW)


def test_a_claim_by_a_trusted_signer_is_an_attestation(bench: Bench) -> None:
    """It has the signer, by name and by cryptography, and what was said about which artifact."""
    artifact = artifact_of(bench.model())
    line = claim(build_by(), artifact)
    ((found,), gaps) = verified(bench, b"", line)
    assert gaps == ()
    assert (found.trust, found.signer) == ("runner", key_signer(number=2).identity)
    assert found.place == f"{NAME}:2"
    assert found.artifacts == (artifact,)
    assert isinstance(found.content, Build)
    assert found.content.builder_id == "https://ci.example/runner"


def test_a_claim_by_two_entries_of_one_key_is_an_attestation_of_each(bench: Bench) -> None:
    """An entry that another one's key was given is believed as both, for the policy to judge."""
    (bench.directory / "alice.pub").write_bytes((bench.directory / "runner.pub").read_bytes())
    found, gaps = verified(bench, claim(build_by(), artifact_of(bench.model())))
    assert gaps == ()
    assert [each.trust for each in found] == ["alice", "runner"]


@pytest.mark.parametrize("trust", [(), ("hsm",), ("hsm", "gate")])
def test_a_claim_by_nobody_who_matters_is_a_gap(bench: Bench, trust: tuple[str, ...]) -> None:
    """What a signer whom nobody asked for says is not even read."""
    found, (gap,) = verified(bench, sign_by("runner", b"no statement"), trust=trust)
    assert found == ()
    assert (gap.stage, gap.code, gap.path) == (Stage.PROVENANCE, Code.CLAIM_UNTRUSTED, NAME)
    assert gap.reason.startswith(f"{NAME}:1: nobody who matters signed it")


def change_payload(document: dict[str, Any]) -> None:
    """Give an envelope another payload."""
    document["dsseEnvelope"]["payload"] = "eyJ9"


def change_signature(document: dict[str, Any]) -> None:
    """Break the signature of an envelope."""
    signature = document["dsseEnvelope"]["signatures"][0]
    signature["sig"] = signature["sig"][:-8] + "AAAAAAA="


@pytest.mark.parametrize("change", [change_payload, change_signature])
def test_a_signature_that_does_not_hold_is_a_gap(
    bench: Bench, change: Callable[[dict[str, Any]], None]
) -> None:
    """What was changed after signing counts for nothing, and the reason is the signature."""
    good = claim(build_by(), artifact_of(bench.model()))
    document = json.loads(good)
    change(document)
    found, (gap,) = verified(bench, json.dumps(document).encode(), good)
    assert [each.place for each in found] == [f"{NAME}:2"]
    assert gap.code is Code.SIGNATURE_INVALID
    assert gap.reason.startswith(f"{NAME}:1: runner: ")


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"{}", Code.CLAIM_MALFORMED),
        (b"\xff", Code.CLAIM_MALFORMED),
        (b"[" * 100, Code.LIMIT_EXCEEDED),
        (b'{"predicateType": "https://model_signing/signature/v1.0"}', Code.CLAIM_MALFORMED),
        (b'{"predicateType": "https://model_signing/signature/v2.0"}', Code.CLAIM_MALFORMED),
        (b'{"predicateType": "https://model_signing/Digests/v0.1"}', Code.CLAIM_MALFORMED),
        (b'"https://model_signing/signature/v1.0"', Code.CLAIM_MALFORMED),
        (b"{https://model_signing/signature/", Code.CLAIM_MALFORMED),
        (
            json.dumps(
                {
                    "_type": "https://in-toto.io/Statement/v1",
                    "subject": [{"name": "a", "digest": {"sha256": "0" * 64}}],
                    "predicateType": "https://acme.example/review/v1",
                    "predicate": {},
                }
            ).encode(),
            Code.CLAIM_UNKNOWN,
        ),
    ],
)
def test_a_statement_that_cannot_be_read_is_a_gap(bench: Bench, payload: bytes, code: Code) -> None:
    """Whoever signed it: what is broken or unknown counts for nothing, and is named."""
    found, (gap,) = verified(bench, sign_by("runner", payload))
    assert found == ()
    assert gap.code is code
    assert gap.reason.startswith(f"{NAME}:1: runner: ")


def test_broken_lines_change_nothing_about_the_others(bench: Bench) -> None:
    """Order, repetition and rubbish have no effect on what the other lines say."""
    artifact = artifact_of(bench.model())
    one, two = claim(build_by(), artifact), claim(build_by("laptop"), artifact, trust="laptop")
    ((first, second), _) = verified(bench, one, two)
    found, gaps = verified(bench, b"rubbish", two, one, two, b"{}", one)
    assert {each.sha256 for each in found} == {first.sha256, second.sha256}
    assert len(found) == 2
    assert len(gaps) == 2


def test_a_parent_s_signature_binds_it_by_both_digests(bench: Bench) -> None:
    """What was signed is named as the model itself would be, also a single file."""
    model = bench.model("bert", {"b.json": b"{}", "a/c.json": b"[]"})
    sign(model.root, signer=key_signer(number=1))
    alone = locate(model.root / "b.json")
    sign(alone.root, signer=key_signer(number=1), signature=bench.directory / "b.sig")
    for place, handle in ((model.root / "model.sig", model), (bench.directory / "b.sig", alone)):
        ((found,), gaps) = verified(bench, place.read_bytes())
        assert gaps == ()
        assert found.artifacts == (artifact_of(handle),)
        assert isinstance(found.content, SignedFiles)
        assert found.content.paths == ((".",) if handle is alone else ("a/c.json", "b.json"))


@pytest.mark.parametrize(
    "layout",
    [HashLayout(HashAlgorithm.BLAKE3), HashLayout(shard_size=4), HashLayout(HashAlgorithm.BLAKE2B)],
)
def test_a_signature_over_other_digests_binds_nothing(bench: Bench, layout: HashLayout) -> None:
    """From shards and from other digests the names digest does not follow."""
    model = bench.model("bert")
    sign(model.root, signer=key_signer(number=1), layout=layout)
    found, (gap,) = verified(bench, (model.root / "model.sig").read_bytes())
    assert found == ()
    assert gap.code is Code.CLAIM_UNBOUND


def test_a_name_with_a_line_break_binds_nothing(bench: Bench) -> None:
    """The name of a single file cannot make its list of names that of two files."""
    alone = locate(bench.model("bert").root / "config.json")
    sign(alone.root, signer=key_signer(number=1))
    place = alone.root.with_name("config.json.sig")
    (line,) = parse_lines(place.read_bytes(), name=NAME)
    assert line.bundle is not None
    statement = json.loads(line.bundle.payload)
    statement["subject"][0]["name"] = "a\n" + "0" * 64 + "  b"
    found, (gap,) = verified(bench, sign_by("hsm", json.dumps(statement).encode()))
    assert found == ()
    assert gap.code is Code.CLAIM_MALFORMED


def test_only_what_is_needed_is_opened(bench: Bench) -> None:
    """A key that the rule cannot need may be missing; one that it needs may not."""
    artifact = artifact_of(bench.model())
    for name in ("hsm", "laptop", "alice", "gate"):
        (bench.directory / f"{name}.pub").unlink()
    found, _ = verified(bench, claim(build_by(), artifact), trust=("runner",))
    assert len(found) == 1
    with pytest.raises(UsageError):
        verified(bench, claim(build_by(), artifact), trust=("runner", "hsm"))
    assert verified(bench, trust=("hsm",)) == ((), ())


def test_what_is_said_can_be_read_without_a_signer(bench: Bench) -> None:
    """For a list of claims nobody has to be trusted."""
    artifact = artifact_of(bench.model())
    (line,) = parse_lines(claim(build_by(), artifact, trust="alice"), name=NAME)
    assert read_line(line).artifacts == (artifact,)
    (broken,) = parse_lines(b"rubbish", name=NAME)
    with pytest.raises(ClaimError):
        read_line(broken)


LINEAGE = 'lineage = { inputs = "must-match-a-rule", boundary = "origin" }'
RECEIPT = f'receipt = {{ from = "gate", max-age = "1d", policy = "sha256:{"0" * 64}" }}'


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((UNSIGNED, BUILT), {"runner"}),
        (('signature = { any-of = ["hsm"] }', BUILT), {"runner"}),
        ((UNSIGNED, RECEIPT), {"gate"}),
        ((UNSIGNED, BUILT, LINEAGE), {"runner", "hsm", "laptop"}),
    ],
)
def test_whose_claims_a_rule_can_need(
    tmp_path: Path, lines: tuple[str, ...], expected: set[str]
) -> None:
    """Its builders' signers, its receipts', and with a lineage those of its parents' rules."""
    bench = make_bench(
        tmp_path,
        ("out/**", *lines),
        ("in/**", 'signature = { any-of = ["hsm"] }', 'provenance = { builder = ["laptop"] }'),
        ("never/**", 'signature = { any-of = ["alice"] }'),
    )
    text = (bench.directory / "weighbridge.toml").read_text()
    never = text.index('match = ["never/**"]')
    text = text[:never] + text[never:].replace('boundary = ["*"]', 'boundary = ["elsewhere"]')
    (bench.directory / "weighbridge.toml").write_text(text)
    policy = type(bench.policy).from_file(bench.directory / "weighbridge.toml")
    assert needed_trust(policy, policy.rules[0], boundary="load") == expected


def test_boundaries_of_ancestors_are_followed(tmp_path: Path) -> None:
    """A lineage that is looked up at another boundary, and comes back, needs both ones' signers."""
    bench = make_bench(
        tmp_path,
        ("out/**", UNSIGNED, BUILT, 'lineage = { inputs = "must-match-a-rule", boundary = "b" }'),
        ("in/**", UNSIGNED, BUILT, 'lineage = { inputs = "must-match-a-rule", boundary = "c" }'),
        ("far/**", 'signature = { any-of = ["alice"] }'),
    )
    place = bench.directory / "weighbridge.toml"
    parts = place.read_text().split('boundary = ["*"]')
    place.write_text(
        f'{parts[0]}boundary = ["a", "c"]{parts[1]}boundary = ["b"]{parts[2]}boundary = ["c"]{parts[3]}'
    )
    policy = type(bench.policy).from_file(place)
    assert needed_trust(policy, policy.rules[0], boundary="a") == {"runner", "alice"}


def test_claims_are_read_where_a_rule_asks_for_them(bench: Bench, tmp_path: Path) -> None:
    """A rule that demands nothing that claims say reads none."""
    model = bench.model()
    append_claims(model, [claim(build_by(), artifact_of(model))])
    (rule,) = bench.policy.rules
    assert len(claims_evidence(model, bench.policy, rule, boundary="load", at=NOW)) == 1
    other = make_bench(tmp_path / "other", ("**", UNSIGNED)).policy
    assert claims_evidence(model, other, other.rules[0], boundary="load", at=NOW) == ()


def test_a_claim_does_not_change_what_it_is_about(bench: Bench) -> None:
    """The claims are no part of the model: with another one it has the same digests."""
    model = bench.model()
    before = artifact_of(model)
    append_claims(model, [claim(build_by(), before), claim(build_by("laptop"), before)])
    assert artifact_of(model) == before
    assert set(FILES) < {path.name for path in model.root.iterdir()}
