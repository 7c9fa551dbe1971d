"""Files of an artifact that is not at hand, as its signature lists them."""

from dataclasses import replace

import pytest

from support.lineages import artifact_of, attested, build_of, signed
from support.policies import RUNNER, builder, judge, key_identity, keyed, sha256
from weighbridge.core.attestation import Artifact, Binding, Resource, SignedFiles
from weighbridge.core.verdict import Decision
from weighbridge.policy.controls.signed_files import listed_files
from weighbridge.policy.schema import Policy

MODEL = artifact_of("acme/base")
OTHER = artifact_of("acme/other")
WEIGHTS, CONFIG = "aa" * 32, "bb" * 32
LISTED = SignedFiles(paths=("config.json", "model.safetensors"), digests=(CONFIG, WEIGHTS))


def test_the_signature_of_the_artifact_lists_its_files() -> None:
    """Path and digest of each, wherever the signature stands among the claims."""
    claims = [
        attested(OTHER, LISTED, trust="hsm"),
        attested(MODEL, build_of(), trust="runner"),
        attested(MODEL, LISTED, trust="hsm"),
    ]
    files = (("config.json", CONFIG), ("model.safetensors", WEIGHTS))
    assert listed_files(claims, MODEL.binding) == files
    assert listed_files(reversed(claims), MODEL.binding) == files
    assert listed_files(claims[:2], MODEL.binding) == ()


def test_a_single_file_goes_by_the_artifacts_name() -> None:
    """Within its signature it is called `.`, which no platform calls a file."""
    single = attested(MODEL, SignedFiles(paths=(".",), digests=(WEIGHTS,)), trust="hsm")
    assert listed_files([single], MODEL.binding) == ((MODEL.name, WEIGHTS),)


@pytest.mark.parametrize("digests", [(), (CONFIG,), (CONFIG, WEIGHTS, WEIGHTS)])
def test_without_a_digest_for_each_nothing_is_known(digests: tuple[str, ...]) -> None:
    """A part of the files is no list of them."""
    assert (
        listed_files(
            [attested(MODEL, replace(LISTED, digests=digests), trust="hsm")], MODEL.binding
        )
        == ()
    )
    assert listed_files([signed(MODEL)], MODEL.binding) == ()


RULES = """
[[rule]]
match = ["acme/base"]
boundary = ["*"]
signature = { any-of = ["hsm"] }
provenance = { builder = ["runner"], min-level = 2 }
[[rule]]
match = ["**"]
boundary = ["*"]
signature = { required = false }
provenance = { builder = ["runner"] }
lineage = { inputs = "must-match-a-rule", depth = 1 }
"""
POLICY = keyed("hsm", "runner") + builder("runner", RUNNER, level=3) + RULES
CHILD = Artifact(name="bert", binding=Binding(root=sha256(98), names=sha256(97)))
"""What `judge` judges."""


@pytest.mark.parametrize(
    ("files", "holds"),
    [
        ({"model.safetensors": WEIGHTS, "config.json": CONFIG}, True),
        ({"dist/model.safetensors": WEIGHTS, "dist/config.json": CONFIG, "log": WEIGHTS}, True),
        ({"model.safetensors": WEIGHTS}, False),
        ({"model.safetensors": WEIGHTS, "config.json": WEIGHTS}, False),
        ({"model.safetensors": CONFIG, "config.json": WEIGHTS}, False),
        ({"model.safetensors": WEIGHTS, "config.txt": CONFIG}, False),
    ],
)
def test_a_parent_may_have_been_built_by_a_platform(files: dict[str, str], holds: bool) -> None:
    """A statement about single files is about the parent whose signature lists just these."""
    runner, hsm = key_identity(3), key_identity(1)
    step = attested(CHILD, build_of(MODEL), trust="runner", identity=runner)
    subjects = tuple(Resource(name=n, digests=(("sha256", d),)) for n, d in files.items())
    by_platform = replace(
        attested(MODEL, build_of(), trust="runner", identity=runner), artifacts=(), files=subjects
    )
    signature = attested(MODEL, LISTED, trust="hsm", identity=hsm)
    policy = Policy.from_toml(POLICY.encode(), path=None)
    verdict = judge(policy, step, by_platform, signature)
    assert (verdict.decision is Decision.ALLOW) == holds, verdict.reasons
    unknown = attested(MODEL, replace(LISTED, digests=()), trust="hsm", identity=hsm)
    assert judge(policy, step, by_platform, unknown).decision is Decision.DENY
    assert judge(policy, step, by_platform).decision is Decision.DENY
