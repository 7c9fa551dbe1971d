"""Tests of a check whose rule demands provenance, on models on disk."""

import itertools
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from support.claims import (
    BUILT,
    FILES,
    UNSIGNED,
    Bench,
    artifact_of,
    build_by,
    claim,
    make_bench,
    sign_by,
)
from support.policies import blocking_codes
from support.signatures import key_signer
from weighbridge.core.attestation import Artifact, Source
from weighbridge.core.verdict import Decision, Verdict
from weighbridge.pipeline.claims.reading import claims_place
from weighbridge.pipeline.claims.writing import append_claims
from weighbridge.pipeline.sign import sign
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.local import locate

SIGNED = 'signature = { any-of = ["hsm"], uncovered = "allow-git-metadata" }'


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Make a policy that believes builds by the runner."""
    return make_bench(tmp_path, ("**", UNSIGNED, BUILT))


@pytest.fixture
def model(bench: Bench) -> LocalHandle:
    """Make a model with a build by the runner among its claims."""
    model = bench.model()
    append_claims(model, [claim(build_by(), artifact_of(model))])
    return model


def denied(verdict: Verdict, *codes: str) -> None:
    """Assert that *verdict* denies, for *codes* and for want of a build that counts."""
    assert verdict.decision is Decision.DENY
    assert {"provenance-missing", *codes} == set(blocking_codes(verdict)), verdict.reasons


def test_a_model_with_a_build_by_the_builder_is_allowed(bench: Bench, model: LocalHandle) -> None:
    """The claims beside the model are enough; without them it is denied."""
    verdict = bench.check(model)
    assert verdict.decision is Decision.ALLOW, verdict.reasons
    assert [item.builder for item in verdict.provenance] == ["runner"]
    claims_place(model).unlink()
    denied(bench.check(model))


@pytest.mark.parametrize("change", ["content", "added", "removed", "renamed", "swapped"])
def test_claims_are_about_these_files_and_no_others(
    bench: Bench, model: LocalHandle, change: str
) -> None:
    """Another byte, another file, one fewer and another name each lose the provenance."""
    root = model.root
    codes: tuple[str, ...] = ()
    if change == "content":
        (root / "config.json").write_bytes(b"[]")
    elif change == "added":
        (root / "more.json").write_bytes(b"{}")
    elif change == "removed":
        (root / "config.json").unlink()
    elif change == "renamed":
        (root / "config.json").rename(root / "confih.json")
        codes = ("provenance-unbound",)
    else:
        (root / "config.json").rename(root / "x")
        (root / "model.safetensors").rename(root / "config.json")
        (root / "x").rename(root / "model.safetensors")
        codes = ("suffix-lies",)
    denied(bench.check(model), *codes)


def test_claims_of_another_model_are_no_claims(bench: Bench, model: LocalHandle) -> None:
    """Copied beside another model, the claims say nothing of it."""
    other = bench.model("other", {**FILES, "config.json": b"[]"})
    shutil.copy(claims_place(model), claims_place(other))
    denied(bench.check(other))
    same = bench.model("same")
    shutil.copy(claims_place(model), claims_place(same))
    assert bench.check(same).decision is Decision.ALLOW


@pytest.mark.parametrize("trust", ["alice", "hsm", "laptop", "gate"])
def test_a_build_by_another_trusted_signer_is_denied(bench: Bench, trust: str) -> None:
    """Whom the policy trusts for something else does not sign for the builder."""
    model = bench.model()
    append_claims(model, [claim(build_by(), artifact_of(model), trust=trust)])
    denied(bench.check(model), "claim-untrusted")


def test_another_builder_id_by_the_builder_s_signer_is_denied(bench: Bench) -> None:
    """The statement has to name the builder whom the policy believes."""
    model = bench.model()
    append_claims(model, [claim(build_by("laptop"), artifact_of(model))])
    denied(bench.check(model), "provenance-builder")


def test_order_duplicates_and_other_claims_change_nothing(bench: Bench) -> None:
    """Whatever lies beside the build that counts, and in whichever order: the verdict is one."""
    model = bench.model()
    artifact = artifact_of(model)
    elsewhere = replace(
        artifact, name="other", binding=artifact_of(bench.model("o", {"a": b"x"})).binding
    )
    lines = [
        claim(build_by(), artifact),
        claim(build_by(), elsewhere),
        claim(build_by(parameters=(("x", "1"),)), artifact),
        claim(build_by(), artifact, trust="alice"),
        b"rubbish",
    ]
    seen = set()
    for order in itertools.islice(itertools.permutations(lines), 0, None, 17):
        claims_place(model).write_bytes(b"\n".join([*order, *order[:2]]) + b"\n")
        verdict = bench.check(model)
        assert verdict.decision is Decision.ALLOW, verdict.reasons
        seen.add((verdict.artifact, verdict.provenance, tuple(r.code for r in verdict.reasons)))
    assert len(seen) == 1
    claims_place(model).write_bytes(lines[0] + b"\n")
    ((artifact_digests, provenance, _),) = seen
    alone = bench.check(model)
    assert (alone.artifact, alone.provenance) == (artifact_digests, provenance)


def test_a_build_before_or_without_git_metadata_counts_for_what_is_signed(tmp_path: Path) -> None:
    """A signature leaves out Git's metadata; a build counts whether it was recorded with it."""
    bench = make_bench(tmp_path, ("**", SIGNED, BUILT))
    model = bench.model()
    bare = artifact_of(model)
    (model.root / ".gitattributes").write_bytes(b"*.bin lfs\n")
    whole = artifact_of(model)
    sign(model.root, signer=key_signer(number=1))
    for artifact in (bare, whole):
        claims_place(model).write_bytes(claim(build_by(), artifact))
        verdict = bench.check(model)
        assert verdict.decision is Decision.ALLOW, verdict.reasons
    (model.root / "more.json").write_bytes(b"{}")
    claims_place(model).write_bytes(claim(build_by(), bare))
    assert "provenance-missing" in blocking_codes(bench.check(model))


def test_a_signature_of_a_part_does_not_lend_its_build_to_the_rest(tmp_path: Path) -> None:
    """A second signer's file is not vouched for by a build of what the first one signed."""
    bench = make_bench(tmp_path, ("**", 'signature = { any-of = ["hsm", "alice"] }', BUILT))
    model = bench.model("model", {"config.json": b"{}"})
    part = artifact_of(model)
    sign(model.root, signer=key_signer(number=1))
    (model.root / "model.safetensors").write_bytes(FILES["model.safetensors"])
    place = model.root / "model.alice.sig"
    sign(model.root, signer=key_signer(number=4), signature=place)
    append_claims(model, [claim(build_by(), part)])
    denied(bench.check(model))
    append_claims(model, [claim(build_by(), artifact_of(model))])
    assert bench.check(model).decision is Decision.ALLOW


def test_a_single_file_has_its_claims_beside_it(bench: Bench) -> None:
    """The claims of a file are about it under its own name."""
    root = bench.model().root
    alone = locate(root / "model.safetensors")
    append_claims(alone, [claim(build_by(), artifact_of(alone))])
    assert bench.check(alone).decision is Decision.ALLOW
    (root / "renamed.safetensors").write_bytes(FILES["model.safetensors"])
    shutil.copy(root / "model.safetensors.claims.jsonl", root / "renamed.safetensors.claims.jsonl")
    denied(bench.check(locate(root / "renamed.safetensors")), "provenance-unbound")


def test_what_the_rule_asks_of_a_build_is_held_against_the_statement(tmp_path: Path) -> None:
    """Source, level and parameters are those that were signed."""
    bench = make_bench(
        tmp_path,
        (
            "**",
            UNSIGNED,
            (
                'provenance = { builder = ["runner"], min-level = 3, source = "git+https://git.example/'
                'acme/train@refs/heads/main", parameters = { command = ["python", "train.py", "**"] } }'
            ),
        ),
    )
    model = bench.model()
    artifact = artifact_of(model)
    source = Source(
        uri="git+https://git.example/acme/train", ref="refs/heads/main", commit="a" * 40
    )
    command = (("command", '["python","train.py","--lr","1"]'),)
    good = build_by(source=source, parameters=command)
    for build, code in (
        (good, None),
        (replace(good, source=replace(source, ref="refs/heads/evil")), "provenance-source"),
        (replace(good, source=None), "provenance-source"),
        (replace(good, parameters=()), "provenance-parameter"),
        (replace(good, parameters=(*command, ("seed", "1"))), "provenance-parameter"),
        (replace(good, build_type="https://acme.example/x"), "provenance-build-type"),
    ):
        claims_place(model).write_bytes(claim(build, artifact))
        verdict = bench.check(model)
        if code is None:
            assert verdict.decision is Decision.ALLOW, verdict.reasons
        else:
            denied(verdict, code)


@pytest.mark.parametrize("payload", [b"{}", b"x"])
def test_a_broken_claim_that_is_needed_is_a_reason(bench: Bench, payload: bytes) -> None:
    """A missing build is denied, and what is broken among the claims is named."""
    model = bench.model()
    append_claims(model, [sign_by("runner", payload)])
    denied(bench.check(model), "claim-malformed")


def test_a_claims_file_that_is_no_text_is_a_model_file(bench: Bench, model: LocalHandle) -> None:
    """What only bears the name of claims is no metadata: it is part of the model."""
    with claims_place(model).open("ab") as file:
        file.write(b"\x80\x04N.")
    assert bench.check(model).decision is not Decision.ALLOW


def test_an_artifact_s_name_is_not_what_binds(bench: Bench) -> None:
    """What a statement calls the model does not matter; its digests do."""
    model = bench.model()
    named = Artifact(name="something/else", binding=artifact_of(model).binding)
    append_claims(model, [claim(build_by(), named)])
    assert bench.check(model).decision is Decision.ALLOW
