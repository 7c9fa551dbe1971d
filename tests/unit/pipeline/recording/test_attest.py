"""Claims about artifacts that are there: what the caller states, and results of scans."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.recorded_steps import REPOSITORY, Bench, make_bench
from weighbridge.core.errors import ArtifactRefusedError, UsageError
from weighbridge.core.evidence import Severity
from weighbridge.pipeline.describe import digest
from weighbridge.pipeline.recording.attest import (
    Stated,
    attest_build,
    attest_scan,
    conversion,
)
from weighbridge.pipeline.recording.given import Given, Recorded
from weighbridge.pipeline.recording.inputs import GivenInput, parse_input
from weighbridge.pipeline.sign import sign
from weighbridge.provenance.test_result import TEST_RESULT_V01

COMMIT = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
EVIL = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Go to a directory with two artifacts."""
    monkeypatch.chdir(tmp_path)
    return make_bench(tmp_path)


def attest(bench: Bench, **stated: Any) -> Recorded:
    """Attest that `data` was built as *stated*; what is no part of `Stated` is of its `Given`."""
    given = {n: stated.pop(n) for n in tuple(stated) if n in Given.__dataclass_fields__}
    return attest_build("data", Stated(given=Given(**given), **stated), signer=bench.signer)


def test_a_build_is_attested(bench: Bench) -> None:
    """The claim has the digests that are computed, and everything that was stated."""
    sign("base", signer=bench.signer)
    moment = datetime(2026, 1, 31, 12, tzinfo=UTC)
    recorded = attest(
        bench,
        inputs=(GivenInput(reference="base", name="acme/base"),),
        source=f"{REPOSITORY}@refs/tags/v1",
        builder="https://ci.example/gpu",
        parameters=(("epochs", "3"),),
        commit=COMMIT,
        command=("python", "train.py"),
        invocation="run 7",
        started=moment,
    )
    assert recorded.output.binding == digest("data").binding
    assert recorded.carried == 1
    (_, statement) = bench.claims("data/model.claims.jsonl")
    definition = statement["predicate"]["buildDefinition"]
    assert definition["externalParameters"] == {
        "command": ["python", "train.py"],
        "params": {"epochs": "3"},
    }
    assert definition["resolvedDependencies"][0] == {
        "uri": f"{REPOSITORY}@refs/tags/v1",
        "digest": {"gitCommit": COMMIT},
    }
    assert statement["predicate"]["runDetails"]["metadata"] == {
        "invocationId": "run 7",
        "startedOn": "2026-01-31T12:00:00Z",
    }
    assert "internalParameters" not in definition


def test_parameters_of_another_build_type_are_its_own(bench: Bench) -> None:
    """They are named as that build type names them, and not below `params`."""
    recorded = attest(
        bench, build_type="https://ci.example/type", parameters=(("a", "1"),), command=("x",)
    )
    assert recorded.build.parameters == (("a", '"1"'), ("command", '["x"]'))
    with pytest.raises(UsageError, match="twice"):
        attest(
            bench,
            build_type="https://ci.example/type",
            parameters=(("command", "1"),),
            command=("x",),
        )


@pytest.mark.parametrize(
    ("source", "commit", "expected"),
    [
        (REPOSITORY, None, (None, None)),
        (f"{REPOSITORY}@{COMMIT}", None, (None, COMMIT)),
        (f"{REPOSITORY}@{COMMIT}", COMMIT, (None, COMMIT)),
        (f"{REPOSITORY}@refs/heads/main", COMMIT, ("refs/heads/main", COMMIT)),
    ],
)
def test_sources(
    bench: Bench, source: str, commit: str | None, expected: tuple[str | None, str | None]
) -> None:
    """A source has the revision and the commit that are stated, and is not said to be clean."""
    found = attest(bench, source=source, commit=commit).build.source
    assert found is not None
    assert (found.ref, found.commit) == expected
    assert found.clean is None


@pytest.mark.parametrize(
    "stated",
    [
        {"commit": COMMIT},
        {"source": f"{REPOSITORY}@{COMMIT}", "commit": "0" * 40},
        {"source": REPOSITORY, "commit": "main"},
        {"build_type": "mine"},
        {"build_type": "urn:weighbridge:build-type:convert:v1"},
        {"builder": "nobody"},
        {"name": ""},
        {"name": "a\nb"},
        {"inputs": (GivenInput(reference="data"),)},
    ],
)
def test_what_cannot_be_stated(bench: Bench, stated: dict[str, object]) -> None:
    """Commits of nothing, two commits, our own conversions, and models made from themselves."""
    with pytest.raises(UsageError):
        if stated == {"name": ""}:
            parse_input("=base")
        attest(bench, **stated)
    assert not list(bench.root.rglob("*.claims.jsonl"))


def test_conversions_have_one_input() -> None:
    """A conversion is a build from one input, with the format as a parameter."""
    one = GivenInput(reference="base")
    assert conversion(Given(inputs=(one,)), to="gguf").parameters == (("to", "gguf"),)
    for inputs in ((), (one, one)):
        with pytest.raises(UsageError, match="one input"):
            conversion(Given(inputs=inputs), to="gguf")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("base", ("base", None)),
        ("acme/base=base", ("base", "acme/base")),
        ("hf://acme/base@v1=base", ("base", "hf://acme/base@v1")),
        ("a=b", ("a=b", None)),
        ("x=a=b", ("a=b", "x")),
    ],
)
def test_inputs_may_have_names(bench: Bench, text: str, expected: tuple[str, str | None]) -> None:
    """What is in front of the first `=` is the name, unless the whole is a path that exists."""
    (bench.root / "a=b").mkdir()
    given = parse_input(text)
    assert (given.reference, given.name) == expected


@pytest.mark.parametrize("text", ["=base", "base=", "a#manifest=base"])
def test_inputs_that_are_none(bench: Bench, text: str) -> None:
    """A name or a reference that is empty, or cannot be in a statement."""
    with pytest.raises(UsageError):
        parse_input(text)


@pytest.mark.parametrize(
    ("content", "bar", "result"),
    [
        (b"{}", Severity.MEDIUM, "PASSED"),
        (EVIL, Severity.MEDIUM, "FAILED"),
        (b"\xffnot known", Severity.CRITICAL, "FAILED"),
    ],
)
def test_scans_are_attested(bench: Bench, content: bytes, bar: Severity, result: str) -> None:
    """A scan passes, or fails by what was found and by what could not be examined."""
    (bench.root / "data" / "w.bin").unlink()
    name = "config.json" if content == b"{}" else "model.pkl"
    (bench.root / "data" / name).write_bytes(content)
    attested = attest_scan("data", signer=bench.signer, bar=bar, name="acme/data")
    assert attested.result == result
    assert bool(attested.failed) == (result == "FAILED")
    (statement,) = bench.claims("data/model.claims.jsonl")
    assert statement["predicateType"] == TEST_RESULT_V01
    assert statement["predicate"]["result"] == result
    assert statement["subject"][0]["name"] == "acme/data"
    assert attested.artifact.binding == digest("data").binding


def test_a_scan_of_less_than_everything_is_not_attested(bench: Bench) -> None:
    """What cannot be accounted for has no digest, so there is nothing to sign about."""
    (bench.root / "data" / "link").symlink_to("w.bin")
    with pytest.raises(ArtifactRefusedError):
        attest_scan("data", signer=bench.signer, bar=Severity.LOW)
    assert not list(bench.root.rglob("*.claims.jsonl"))
