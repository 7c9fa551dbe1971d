"""An adapter, recorded with its base: what its configuration names has to be what it is made from."""

import sys
from pathlib import Path

import pytest

import weighbridge as wb
from support.worked_pipeline import Workshop, make_workshop
from weighbridge.core.errors import PolicyDeniedError
from weighbridge.core.verdict import Decision, Verdict
from weighbridge.pipeline.check import check
from weighbridge.policy.schema import Policy

PROGRAM = """
import json, os, struct, sys
os.mkdir("models/lora")
text = json.dumps({"lora_A": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
data = struct.pack("<Q", len(text)) + text + struct.pack("<f", 0.5)
open("models/lora/adapter_model.safetensors", "wb").write(data)
config = {"peft_type": "LORA", "base_model_name_or_path": sys.argv[1]}
open("models/lora/adapter_config.json", "w").write(json.dumps(config))
"""

POLICY = """
version = 1

[trust.publisher]
method = "key"
public-key = "keys/publisher.pub"

[trust.train-platform]
method = "key"
public-key = "keys/train-platform.pub"

[builder.trainer]
id = "https://ci.example/train"
signed-by = "train-platform"
max-level = 2

[[rule]]
match = ["models/lora"]
boundary = ["deploy"]
signature = { required = false }
provenance = { builder = ["trainer"], parameters = { command = ["**", "adapt.py", "**"] } }
lineage = { inputs = "must-match-a-rule", boundary = "origin" }

[[rule]]
match = ["hub/publisher/base"]
boundary = ["origin"]
signature = { any-of = ["publisher"] }
"""


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """Return a workshop with a program that makes adapters."""
    made = make_workshop(tmp_path / "w")
    made.path("adapt.py").write_text(PROGRAM)
    made.path("weighbridge.toml").write_text(POLICY)
    return made


def adapt(workshop: Workshop, claim: str, *, name: str = "hub/publisher/base") -> None:
    """Make an adapter that calls its base *claim*, from an input that the build calls *name*."""
    workshop.run(
        *("record", "--output", "models/lora", "--input", f"{name}=models/base"),
        *("--builder", "https://ci.example/train", "--allow-read", "adapt.py"),
        *("--private-key", workshop.key("train-platform")),
        *("--", sys.executable, "adapt.py", claim),
    )


def verdict_of(workshop: Workshop) -> Verdict:
    """Return what the policy says of the adapter."""
    policy = Policy.from_file(workshop.path("weighbridge.toml"))
    return check(workshop.path("models/lora"), policy=policy, boundary="deploy")


@pytest.mark.parametrize("claim", ["hub/publisher/base", "publisher/base"])
def test_the_base_that_it_names(workshop: Workshop, claim: str) -> None:
    """An adapter that was made from the signed base that it names is allowed, and loaded."""
    adapt(workshop, claim)
    verdict = verdict_of(workshop)
    assert verdict.decision is Decision.ALLOW, verdict.reasons
    policy = Policy.from_file(workshop.path("weighbridge.toml"))
    with wb.load(workshop.path("models/lora"), policy=policy, boundary="deploy") as loaded:
        assert loaded.verdict.lineage == verdict.lineage
        assert verdict.lineage is not None
        (base,) = verdict.lineage.parents
        assert base == verdict.lineage.nodes[1].artifact.binding


@pytest.mark.parametrize("claim", ["mallory/base", "base2", ""])
def test_another_base(workshop: Workshop, claim: str) -> None:
    """One that names another base, or none, is not."""
    adapt(workshop, claim)
    verdict = verdict_of(workshop)
    assert verdict.decision is (Decision.DENY if claim else Decision.INDETERMINATE)
    assert "lineage-base" in {reason.code for reason in verdict.reasons if reason.blocking}


def test_a_changed_name(workshop: Workshop) -> None:
    """A configuration that was changed afterwards is no part of what was built."""
    adapt(workshop, "mallory/base")
    place = workshop.path("models/lora/adapter_config.json")
    place.write_text(place.read_text().replace("mallory", "publisher"))
    policy = Policy.from_file(workshop.path("weighbridge.toml"))
    with pytest.raises(PolicyDeniedError) as caught:
        wb.load(workshop.path("models/lora"), policy=policy, boundary="deploy")
    codes = {reason.code for reason in caught.value.verdict.reasons if reason.blocking}
    assert "provenance-missing" in codes


def test_an_input_by_the_name_of_the_base(workshop: Workshop) -> None:
    """A build that calls its input as the adapter does selects the rule of that name."""
    adapt(workshop, "mallory/base", name="mallory/base")
    verdict = verdict_of(workshop)
    assert verdict.decision is Decision.DENY
    assert "lineage-no-rule" in {reason.code for reason in verdict.reasons if reason.blocking}
