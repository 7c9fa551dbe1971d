"""The fuzzers, for some seconds and always with the same numbers."""

from random import Random

import pytest

from fuzz import parsers, signatures
from fuzz.differential import Tally, allowed, blocks, fuzz, judge, scan, seeds
from fuzz.mutation import TRIPWIRE, mutate, random_program, tokens_of
from fuzz.victims import reach
from weighbridge.core.artifact import FileFormat
from weighbridge.scan import registry
from weighbridge.scan.analyzers import lfs

_STREAMS = 1024
_MUTANTS = 100


def test_nothing_that_executes_passes() -> None:
    """Of a thousand mutated streams that are really unpickled, none does what the scan did not see."""
    tally = fuzz(seed=20261122, streams=_STREAMS)
    assert tally.streams >= _STREAMS
    assert tally.executed > _STREAMS // 10
    assert tally.passed > _STREAMS // 100
    assert tally.misses == []
    assert tally.unseen == []


def test_the_fuzzer_would_notice() -> None:
    """A stream that trips the wire is a miss for a scan that says nothing of it."""
    tripping = f"c{TRIPWIRE}\ntouch\n)R.".encode()
    (reached,) = reach([tripping], allowed=allowed)
    assert "tripwire touch" in reached.acts
    tally = Tally()
    judge(b"]q\x00.", reached, tally)
    assert len(tally.misses) == 1


def test_benign_seeds_pass_and_tripping_ones_do_not() -> None:
    """The scan tells the seeds apart: what mutation starts from is on both sides of the line."""
    told = {blocks(scan(b"".join(program))) for program in seeds()}
    assert told == {True, False}


def test_a_program_is_its_tokens() -> None:
    """Taking a stream apart and putting it together gives the same bytes, whatever follows it."""
    data = b"".join(random_program(Random(1)))
    plain = b"\x80\x02]q\x00.rest"
    assert b"".join(tokens_of(plain)) == plain
    assert mutate([data], Random(3), [b"N"]) == mutate([data], Random(3), [b"N"])


@pytest.mark.parametrize("file_format", list(parsers.seeds()))
def test_no_analyzer_crashes(file_format: FileFormat) -> None:
    """Nearly valid files of the format end in findings and gaps, and never in an exception that is none of ours."""
    for data in parsers.mutants(file_format, seed=1, count=_MUTANTS):
        parsers.check(file_format, data)


_FAMILIES = ("statement", "claim", "public", "certificates", "timestamp", "key", "certificate")


@pytest.mark.parametrize("family", [*_FAMILIES, "keyless1", "keyless2"])
def test_no_reader_of_signatures_crashes_or_is_deceived(family: str) -> None:
    """Changed bytes end in a refusal, or in a signature that says what was signed; seeds are accepted."""
    targets = [name for name in signatures.targets() if name.partition("-")[0] == family]
    assert targets
    count = _MUTANTS // 4 if family.startswith("keyless") else _MUTANTS
    for target in targets:
        assert not any(signatures.check(target, each) for each in signatures.seeds()[target])
        mutants = signatures.mutants(target, seed=1, count=count)
        assert True in {signatures.check(target, each) for each in mutants}, target


def test_what_is_encoded_in_a_signature_is_found() -> None:
    """Every part of a signature file that is bytes is changed by itself."""
    parts = [name for name in signatures.targets() if name.startswith("keyless")]
    for part in ("payload", "certificate", "canonicalizedBody", "signedTimestamp", "rootHash"):
        assert any(part in name for name in parts), part


def test_an_accepted_forgery_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verifier that looks at no signature is reported."""
    (payload,) = signatures.seeds()["key-payload"]
    forged = payload.replace(b"config.json", b"konfig.json")
    assert signatures.check("key-payload", forged)
    monkeypatch.setattr("weighbridge.signing.key.verify_payload", lambda *_, **__: None)
    with pytest.raises(signatures.AcceptedError):
        signatures.check("key-payload", forged)


def test_a_reader_that_raises_anything_else_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that is none of ours is reported with its input."""
    monkeypatch.setattr(signatures, "parse_statement", lambda *_, **__: int("x", 99))
    with pytest.raises(signatures.CrashError, match="ValueError"):
        signatures.check("statement", b"{}")


def test_a_crash_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An analyzer that raises anything else is reported with its input."""
    monkeypatch.setattr(lfs, "analyze", lambda _subject: int("x", 99))
    registry.analyzer_for.cache_clear()
    try:
        with pytest.raises(parsers.CrashError, match="ValueError"):
            parsers.check(FileFormat.LFS_POINTER, b"version")
    finally:
        registry.analyzer_for.cache_clear()
