"""`weighbridge claims` as a user calls it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from support.claims import BUILT, UNSIGNED, Bench, artifact_of, build_by, claim, make_bench, sign_by
from weighbridge.cli.main import run
from weighbridge.pipeline.claims.reading import claims_place
from weighbridge.pipeline.claims.writing import append_claims
from weighbridge.sources.interface import LocalHandle


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Make a policy and go to its directory."""
    monkeypatch.chdir(tmp_path)
    return make_bench(tmp_path, ("**", UNSIGNED, BUILT))


@pytest.fixture
def model(bench: Bench) -> LocalHandle:
    """Make a model with one good claim."""
    model = bench.model()
    append_claims(model, [claim(build_by(), artifact_of(model))])
    return model


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any, str]:
    """Return exit code, JSON document and standard error of a call."""
    code = run(["claims", *arguments, "--format", "json"])
    captured = capsys.readouterr()
    return code, json.loads(captured.out) if captured.out else None, captured.err


def test_claims_are_listed_without_a_subcommand(
    model: LocalHandle, capsys: pytest.CaptureFixture[str]
) -> None:
    """`claims REF` and `claims list REF` are one; without a policy nothing is verified."""
    assert model.name == "model"
    code, listed, _ = call(capsys, "model")
    assert (code, listed["verified"], listed["claims"][0]["signers"]) == (0, False, [])
    assert call(capsys, "list", "model")[1] == listed
    _, verified, _ = call(capsys, "model", "--policy", "weighbridge.toml")
    assert [signer["trust"] for signer in verified["claims"][0]["signers"]] == ["runner"]
    assert verified["claims"][0]["own"] is None
    assert run(["claims", "model"]) == 0
    assert "Nobody's signature was verified" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (None, 0),
        (b"rubbish", 10),
        ("alien", 10),
        ("unknown", 11),
    ],
)
def test_every_claim_is_verified(
    bench: Bench,
    model: LocalHandle,
    capsys: pytest.CaptureFixture[str],
    line: bytes | str | None,
    code: int,
) -> None:
    """A broken claim and one by nobody are 10, one of another kind is 11, and all are listed."""
    if line == "alien":
        line = claim(build_by(), artifact_of(model))
        (bench.directory / "other").mkdir()
        make_bench(bench.directory / "other", ("**", UNSIGNED))
        for name in ("runner", "alice"):
            (bench.directory / f"{name}.pub").write_bytes(
                (bench.directory / "other" / "hsm.pub").read_bytes()
            )
    if line == "unknown":
        document = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "a", "digest": {"sha256": "0" * 64}}],
            "predicateType": "https://acme.example/review/v1",
        }
        line = sign_by("runner", json.dumps(document).encode())
    if isinstance(line, bytes):
        with claims_place(model).open("ab") as file:
            file.write(line + b"\n")
    found, listed, _ = call(capsys, "verify", "model", "--policy", "weighbridge.toml")
    assert found == code
    assert listed["claims"][0]["own"] is True


def test_a_model_without_claims_does_not_pass(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """Empty never passes: to verify nothing is exit code 3, to list it is not."""
    bench.model("bare")
    code, error, _ = call(capsys, "verify", "bare", "--policy", "weighbridge.toml")
    assert (code, error["code"]) == (3, "nothing-to-check")
    assert call(capsys, "bare")[0] == 0


def test_claims_of_files_are_appended(
    bench: Bench, model: LocalHandle, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bundle over several lines, and several on a line each, are appended once."""
    more = [claim(build_by(), artifact_of(model), trust=trust) for trust in ("alice", "hsm")]
    pretty = json.dumps(json.loads(more[0]), indent=1)
    (bench.directory / "pretty.json").write_text(pretty + "\n")
    (bench.directory / "lines.jsonl").write_bytes(b"\n".join(more) + b"\n")
    code, document, _ = call(capsys, "append", "model", "pretty.json", "lines.jsonl")
    assert code == 0
    assert (document["given"], document["path"]) == (3, str(claims_place(model)))
    assert len(claims_place(model).read_bytes().splitlines()) == 1 + document["new"]
    assert call(capsys, "append", "model", "lines.jsonl")[1]["new"] == 0


@pytest.mark.parametrize(
    ("content", "code"), [(None, 2), (b"", 10), (b"{}", 10), (b"\n\n", 10), (b"rubbish\n", 10)]
)
def test_what_is_no_bundle_is_not_appended(
    bench: Bench,
    model: LocalHandle,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    code: int,
) -> None:
    """Nothing of several files is appended where one is wrong."""
    before = claims_place(model).read_bytes()
    (bench.directory / "good").write_bytes(claim(build_by(), artifact_of(model), trust="hsm"))
    if content is not None:
        (bench.directory / "bad").write_bytes(content)
    assert call(capsys, "append", "model", "good", "bad")[0] == code
    assert claims_place(model).read_bytes() == before


def test_claims_of_other_models_are_merged(
    bench: Bench, model: LocalHandle, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model, a single file and a claims file each give their claims, each once."""
    other = bench.model("other", {"a.json": b"{}"})
    append_claims(other, [claim(build_by(), artifact_of(other))])
    code, document, _ = call(capsys, "merge", "other", "model", str(claims_place(model)), "other")
    assert (code, document["given"], document["new"]) == (0, 3, 1)
    assert len(claims_place(other).read_bytes().splitlines()) == 2
    with claims_place(model).open("ab") as file:
        file.write(b"rubbish\n")
    assert call(capsys, "merge", "other", "model")[0] == 10
    assert call(capsys, "merge", "other", "nowhere")[0] == 2
    (model.root / "bare").mkdir()
    assert call(capsys, "merge", "other", "model/bare")[0] == 2


def test_a_model_called_like_a_subcommand_is_named_by_its_path(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """`verify` is the subcommand and `./verify` the model."""
    bench.model("verify")
    assert run(["claims", "verify"]) == os.EX_USAGE or capsys.readouterr()
    code, listed, _ = call(capsys, "./verify")
    assert (code, listed["name"]) == (0, "verify")
