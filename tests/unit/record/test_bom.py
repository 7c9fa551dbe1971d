"""Bills of materials: valid by the published schemas, and every field says who stands for it."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_python_model import v3_0_1 as spdx3

from weighbridge.core.artifact import ArtifactDigests
from weighbridge.core.attestation import Binding
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.verdict import Decision
from weighbridge.record.bom.bill import (
    Bill,
    BillBuild,
    BillFile,
    BillInput,
    BillTensors,
    Fact,
    Standing,
)
from weighbridge.record.bom.cyclonedx import cyclonedx_document
from weighbridge.record.bom.spdx import spdx_document
from weighbridge.record.json_v1 import JsonValue

ROOT = Digest(HashAlgorithm.SHA256, b"\1" * 32)
NAMES = Digest(HashAlgorithm.SHA256, b"\2" * 32)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def claimed(value: str) -> Fact:
    """Return what a model card says."""
    return Fact(value=value, standing=Standing.CLAIMED, basis="README.md")


BUILD = BillBuild(
    build_type="urn:weighbridge:build-type:command:v1",
    builder="https://ci.example/builder",
    source="git+https://git.example/acme/train@refs/heads/main",
    invocation_id="run-1",
    started=NOW,
    finished=NOW,
    parents=(
        BillInput(
            name="acme/base",
            uri="hf://acme/base@main",
            binding=Binding(root=NAMES, names=ROOT),
        ),
    ),
    others=(
        BillInput(
            name="numpy",
            uri="pkg:pypi/numpy@2.0",
            binding=None,
            digests=(("sha256", "3" * 64), ("gitCommit", "4" * 40)),
        ),
    ),
    standing=Standing.VERIFIED,
    basis="signed by trainer",
)

FULL = Bill(
    digests=ArtifactDigests(name="tuned", oms=ROOT, names=NAMES),
    files=(
        BillFile(path="config.json", size=3, format="json", sha256="5" * 64),
        BillFile(path="strange ünïcode\n.bin", size=0, format=None, sha256=None),
    ),
    tensors=BillTensors(parameters=12, types=(("BF16", 8), ("F32", 4)), files=1),
    licenses=(claimed("apache-2.0"), claimed("llama3 community")),
    task=claimed("text-generation"),
    architectures=(claimed("LlamaForCausalLM"),),
    family=claimed("llama"),
    libraries=(claimed("transformers"),),
    languages=(claimed("en"), claimed("no")),
    datasets=(claimed("acme/data"), claimed("acme/data")),
    base_models=(claimed("acme/base"),),
    signers=(Fact(value="key sha256:ab", standing=Standing.VERIFIED, basis="trust release"),),
    builds=(BUILD, replace(BUILD, standing=Standing.CLAIMED, basis="nobody verified it")),
    decision=Decision.ALLOW,
    policy_sha256="6" * 64,
    notes=("README.md: model-index was not read",),
    created=NOW,
    tool_version="0.1.0",
)

LEAST = Bill(
    digests=ArtifactDigests(name="m.gguf", oms=ROOT, names=None),
    files=(),
    created=NOW,
    tool_version="0.1.0",
)


@pytest.mark.parametrize("bill", [FULL, LEAST], ids=["full", "least"])
def test_a_bill_is_valid_by_the_schema_of_cyclonedx(bill: Bill) -> None:
    """The strict schema of CycloneDX 1.6, as its authors publish it, has no complaint."""
    text = json.dumps(cyclonedx_document(bill))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_the_schema_refuses_a_member_that_cyclonedx_does_not_have() -> None:
    """The validator of the test above is one that finds fault."""
    document = {**cyclonedx_document(FULL), "verdict": "allow"}
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is not None


def read_spdx(document: dict[str, JsonValue]) -> spdx3.SHACLObjectSet:
    """Read *document* with the classes made from SPDX's published shapes, and write it again."""
    objects = spdx3.SHACLObjectSet()
    spdx3.JSONLDDeserializer().read(BytesIO(json.dumps(document).encode()), objects)
    assert not objects.link(), "an id that leads nowhere"
    # What has to be there is counted on writing.
    spdx3.JSONLDSerializer().write(objects, BytesIO())
    return objects


@pytest.mark.parametrize("bill", [FULL, LEAST], ids=["full", "least"])
def test_a_bill_is_valid_by_the_shapes_of_spdx(bill: Bill) -> None:
    """Classes, members, types and counts are those of SPDX 3.0.1."""
    objects = read_spdx(spdx_document(bill))
    (package,) = objects.foreach_type(spdx3.ai_AIPackage)
    assert package.name == bill.digests.name


def test_the_shapes_of_spdx_refuse_a_build_without_its_type() -> None:
    """The reader of the test above is one that finds fault."""
    document = spdx_document(FULL)
    graph = document["@graph"]
    assert isinstance(graph, list)
    for element in graph:
        assert isinstance(element, dict)
        element.pop("build_buildType", None)
    with pytest.raises(ValueError, match="build"):
        read_spdx(document)


def test_an_ai_package_has_what_its_profile_demands() -> None:
    """One declared and one concluded licence, and the five properties that have to be there."""
    objects = read_spdx(spdx_document(LEAST))
    (package,) = objects.foreach_type(spdx3.ai_AIPackage)
    assert package.software_primaryPurpose
    assert package.suppliedBy
    assert package.releaseTime
    assert package.software_downloadLocation
    kinds = [str(r.relationshipType) for r in objects.foreach_type(spdx3.Relationship)]
    assert sum(kind.endswith("hasDeclaredLicense") for kind in kinds) == 1
    assert sum(kind.endswith("hasConcludedLicense") for kind in kinds) == 1
