"""Every statement that the commands sign is one by the published messages of in-toto and SLSA."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from support.policies import LOCAL, builder, keyed
from support.published import validated
from support.publisher import write_key
from support.signed_model import safetensors_file
from support.torch_files import small_checkpoint
from weighbridge.cli.main import run
from weighbridge.signing.bundle import parse_bundle

RULES = """
[[rule]]
match = ["**"]
boundary = ["*"]
signature = { required = false }
provenance = { builder = ["mine"], parameters = { command = ["**"], "params.lr" = "**" } }
"""
POLICY = keyed("mine") + builder("mine", LOCAL, level=1) + RULES
BUILD = "https://slsa.dev/provenance/v1"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Prepare a model, a checkpoint, a key and a policy, and go there."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_bytes(safetensors_file(weight=[0.5]))
    (tmp_path / "model.bin").write_bytes(small_checkpoint())
    (tmp_path / "weighbridge.toml").write_text(POLICY)
    write_key(tmp_path, "mine")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def signed(place: Path) -> tuple[str, Any]:
    """Return kind and predicate of the only claim in the file *place*, as published messages."""
    (line,) = place.read_bytes().splitlines()
    message, inner = validated(parse_bundle(line, where=place.name).payload)
    names = [subject.name for subject in message.subject]
    assert names[1] == f"{names[0]}#manifest"
    return message.predicate_type, inner


def test_a_recorded_step(place: Path) -> None:
    """What `record` signs has the command, the input and everything else where SLSA has it."""
    script = "import shutil; shutil.copytree('model', 'tuned')"
    words = ["record", "--output", "tuned", "--input", "base=model", "--param", "lr=0.1"]
    command = [sys.executable, "-c", script]
    assert run([*words, "--private-key", "mine.key", "--", *command]) == 0
    kind, inner = signed(place / "tuned" / "model.claims.jsonl")
    assert kind == BUILD
    external = inner.build_definition.external_parameters
    assert list(external["command"]) == command
    assert external["params"]["lr"] == "0.1"
    used = [resource.name for resource in inner.build_definition.resolved_dependencies]
    assert {"base", "base#manifest"} <= set(used)
    assert inner.run_details.metadata.started_on.seconds > 0


def test_a_build_that_was_run_elsewhere(place: Path) -> None:
    """What `attest build` signs says what it was told."""
    words = "attest build model --source git+https://example.org/a/b@refs/heads/main --param lr=1 --run make"
    more = f"--commit {'9f2c' * 10} --started 2026-01-31T12:00:00Z --invocation-id 7"
    assert run([*words.split(), *more.split(), "--private-key", "mine.key"]) == 0
    kind, inner = signed(place / "model" / "model.claims.jsonl")
    assert (kind, inner.run_details.metadata.invocation_id) == (BUILD, "7")
    (source,) = (r for r in inner.build_definition.resolved_dependencies if "git+" in r.uri)
    assert (source.uri, dict(source.digest)) == (
        "git+https://example.org/a/b@refs/heads/main",
        {"gitCommit": "9f2c" * 10},
    )


def test_a_scan(place: Path) -> None:
    """What `attest scan` signs is the result of a test."""
    assert run(["attest", "scan", "model", "--private-key", "mine.key"]) == 0
    kind, inner = signed(place / "model" / "model.claims.jsonl")
    assert kind == "https://in-toto.io/attestation/test-result/v0.1"
    assert inner.result == "PASSED"


def test_a_conversion(place: Path) -> None:
    """What `convert` signs names what was converted, by both digests."""
    words = "convert model.bin out --to safetensors --private-key mine.key --name acme/bert"
    assert run(words.split()) == 0
    kind, inner = signed(place / "out" / "model.claims.jsonl")
    assert (kind, inner.build_definition.build_type) == (
        BUILD,
        "urn:weighbridge:build-type:convert:v1",
    )
    names = [resource.name for resource in inner.build_definition.resolved_dependencies]
    assert names[:2] == ["acme/bert", "acme/bert#manifest"]


@pytest.mark.parametrize("result", ["PASSED", "FAILED"])
def test_a_receipt(place: Path, result: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What `check --receipt` signs has the verdict and the policy's digest."""
    if result == "PASSED":
        words = "attest build model --param lr=1 --run make --private-key mine.key"
        assert run(words.split()) == 0
    words = "check model --policy weighbridge.toml --receipt receipt.jsonl --private-key mine.key"
    assert run(words.split()) == (0 if result == "PASSED" else 10)
    kind, inner = signed(place / "receipt.jsonl")
    assert kind == "https://slsa.dev/verification_summary/v1"
    assert inner.verification_result == result
    assert len(inner.policy.digest["sha256"]) == 64
    assert len(inner.input_attestations) == (result == "PASSED")


def test_a_statement_that_is_none_is_noticed() -> None:
    """The published messages refuse what they do not know, and a subject without a digest."""
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "x", "digest": {"sha256": "00"}}],
        "predicateType": BUILD,
        "predicate": {"buildDefinition": {"buildType": "x"}},
    }
    validated(json.dumps(statement).encode())
    for change in (
        {"subject": [{"name": "x"}]},
        {"predicate": {"buildDefinition": {"type": "x"}}},
        {"predicate": {"buildDefinition": {"buildType": 1}}},
        {"extension": 1},
    ):
        with pytest.raises((ValueError, json_format.Error)):
            validated(json.dumps({**statement, **change}).encode())
