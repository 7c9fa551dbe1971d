"""What claims tell of a lineage, before anybody held them against a policy."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from support.lineages import artifact_of, build_of
from support.pki import private_pem
from support.signed_model import safetensors_file
from weighbridge.core.attestation import Artifact
from weighbridge.core.errors import UsageError
from weighbridge.core.limits.policy import MAX_LINEAGE_ARTIFACTS, MAX_LINEAGE_LINKS
from weighbridge.core.lineage import BEYOND_LINKS, Standing
from weighbridge.pipeline.claims.writing import append_claims
from weighbridge.pipeline.describe import digest
from weighbridge.pipeline.lineage import (
    ClaimedBuild,
    claimed_lineage,
    lineage_of,
    verified_lineage,
)
from weighbridge.policy.schema import Policy
from weighbridge.provenance.slsa import render_build
from weighbridge.signing.key import KeySigner
from weighbridge.sources.local import locate

Q8, TUNED, BASE = artifact_of("q8"), artifact_of("tuned"), artifact_of("base")


def claimed(number: int, output: Artifact, *inputs: Artifact) -> ClaimedBuild:
    """Return a claimed build."""
    return ClaimedBuild(
        place=f"model.claims.jsonl:{number}",
        sha256=f"{number:064x}",
        artifacts=(output,),
        build=build_of(*inputs),
    )


def test_graph() -> None:
    """Every artifact is there once, with its builds, and all of it is claimed."""
    builds = [claimed(1, Q8, TUNED), claimed(2, TUNED, BASE, Q8), claimed(3, artifact_of("x"), Q8)]
    lineage = lineage_of(Q8, builds)
    assert [node.artifact for node in lineage.nodes] == [Q8, TUNED, BASE]
    assert [node.generation for node in lineage.nodes] == [0, 1, 2]
    assert {node.standing for node in lineage.nodes} == {Standing.CLAIMED}
    assert [step.inputs for step in lineage.nodes[1].steps] == [(2, 0)]
    assert lineage.parents == frozenset()


def test_order_changes_nothing() -> None:
    """The order of the claims, and repeated ones, have no effect."""
    builds = [claimed(n, Q8, artifact_of(f"p{n}")) for n in range(5)]
    mixed = builds * 2
    random.Random(3).shuffle(mixed)
    assert lineage_of(Q8, mixed) == lineage_of(Q8, builds)


def test_bound() -> None:
    """No more artifacts are looked at than the bound allows."""
    inputs = [artifact_of(f"p{n}") for n in range(MAX_LINEAGE_ARTIFACTS + 5)]
    lineage = lineage_of(Q8, [claimed(1, Q8, *inputs)])
    assert len(lineage.nodes) == MAX_LINEAGE_ARTIFACTS
    assert lineage.first.steps[0].inputs.count(None) == 6


def test_bound_of_links() -> None:
    """Of artifacts of which each is said to be made of all, the further builds are left out."""
    every = tuple(artifact_of(f"p{number}") for number in range(200))
    claim = replace(claimed(1, Q8, *every), artifacts=(Q8, *every))
    lineage = lineage_of(Q8, [claim])
    assert sum(len(node.steps) for node in lineage.nodes) == MAX_LINEAGE_LINKS // 201
    assert [n.problems for n in lineage.nodes if not n.steps] == [(BEYOND_LINKS,)] * (
        201 - MAX_LINEAGE_LINKS // 201
    )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a model with one claim of a build, a broken one and one about something else."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(safetensors_file(weight=[1.0]))
    binding = digest(folder).binding
    assert binding is not None
    key = private_pem(ec.generate_private_key(ec.SECP256R1()))
    signer = KeySigner.from_pem(key, password=None, where="key")
    mine = Artifact(name="model", binding=binding)
    claims = [
        signer.sign(render_build(build_of(TUNED), artifacts=[mine])),
        signer.sign(render_build(build_of(BASE), artifacts=[Q8])),
        signer.sign(b'{"_type": "nothing"}'),
    ]
    append_claims(locate(folder), claims)
    return folder


def test_claims_of_a_model(model: Path) -> None:
    """What the claims say of these very files is drawn; what cannot be read is a gap."""
    found = claimed_lineage(model)
    assert [node.artifact.name for node in found.lineage.nodes] == ["model", "tuned"]
    assert [gap.path for gap in found.gaps] == ["model.claims.jsonl"]
    assert found.reasons == ()


def test_other_files(model: Path) -> None:
    """Claims about other bytes are none about the model."""
    (model / "model.safetensors").write_bytes(safetensors_file(weight=[2.0]))
    assert len(claimed_lineage(model).lineage.nodes) == 1


@pytest.mark.parametrize("match", ["model", "other"])
def test_nobody_asks(model: Path, match: str) -> None:
    """Under a policy whose rule has no lineage, or that has no rule, there is none to show."""
    text = (
        f'version = 1\n[[rule]]\nmatch = ["{match}"]\nboundary = ["load"]\n'
        "signature = { required = false }\n"
    )
    place = model.parent / "weighbridge.toml"
    place.write_text(text)
    with pytest.raises(UsageError, match="no lineage is asked for"):
        verified_lineage(model, policy=Policy.from_file(place))
