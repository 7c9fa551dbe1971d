"""Keyless signatures: every part of the file is bound, so no changed file is accepted."""

import base64
import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TypeAlias

import pytest

from support.keyless import ADA, keyless_verifier
from weighbridge.core.errors import SignatureRejectedError
from weighbridge.demo.instance.careless import sign_carelessly
from weighbridge.demo.instance.loopback import LoopbackSigstore
from weighbridge.signing.bundle import parse_bundle
from weighbridge.signing.sigstore.verification import SigstoreVerifier

Place: TypeAlias = tuple[str | int, ...]

STRIDE = 7
"""One byte of so many is changed."""

STAMPS: Place = ("verificationMaterial", "timestampVerificationData")
OPTIONAL: dict[int, set[Place]] = {
    1: {STAMPS, (*STAMPS, "rfc3161Timestamps")},
    2: {("verificationMaterial", "tlogEntries", 0, "integratedTime")},
}
"""What may be missing: timestamps, where the log tells the time; that it does not, as a zero."""


@pytest.fixture(params=[1, 2])
def version(request: pytest.FixtureRequest) -> int:
    """Each version of the log's protocol."""
    number: int = request.param
    return number


@pytest.fixture
def bundle(instance: LoopbackSigstore, version: int) -> dict[str, Any]:
    """A good signature, with a timestamp, in a log that has others."""
    sign_carelessly(instance, b"another", token=instance.token(ADA))
    parts = sign_carelessly(
        instance, b'{"a":1}', token=instance.token(ADA), log_version=version, stamps=1
    )
    content: dict[str, Any] = json.loads(parts.bundle())
    return content


@pytest.fixture
def verifier(instance: LoopbackSigstore) -> SigstoreVerifier:
    """The verifier that accepts it."""
    return keyless_verifier(instance.trust_config, identity=ADA, issuer=instance.issuer.url)


def _accepts(verifier: SigstoreVerifier, text: str) -> bool:
    try:
        verifier.verify(parse_bundle(text.encode(), where="model.sig"), at=datetime.now(UTC))
    except SignatureRejectedError:
        return False
    return True


def _places(value: Any, at: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Yield every value in the document with its place, the document itself first."""
    yield at, value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _places(inner, (*at, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, (*at, index))


def _at(document: dict[str, Any], place: Place) -> Any:
    found: Any = document
    for step in place:
        found = found[step]
    return found


def _with(document: dict[str, Any], place: Place, value: object) -> str:
    changed = copy.deepcopy(document)
    _at(changed, place[:-1])[place[-1]] = value
    return json.dumps(changed)


def _mutants(text: str) -> Iterator[str]:
    """Yield strings that differ from *text* in one bit of what it stands for."""
    try:
        raw = base64.b64decode(text, validate=True) if len(text) > 40 else b""
    except ValueError:
        raw = b""
    for index in range(0, len(raw), STRIDE):
        changed = bytearray(raw)
        changed[index] ^= 1 << (index % 8)
        yield base64.b64encode(changed).decode()
    if raw:
        for index in (0, len(raw) // 2, len(raw)):
            yield base64.b64encode(raw[:index] + b"\x00" + raw[index:]).decode()
        yield base64.b64encode(raw[:-1]).decode()
        return
    for index, character in enumerate(text):
        yield text[:index] + chr(ord(character) ^ 1) + text[index + 1 :]


def test_it_is_accepted_as_it_is(bundle: dict[str, Any], verifier: SigstoreVerifier) -> None:
    """Unchanged, and with white space between its tokens, it is accepted."""
    assert _accepts(verifier, json.dumps(bundle))
    assert _accepts(verifier, json.dumps(bundle, indent=3))


def test_no_other_bit_is_accepted(bundle: dict[str, Any], verifier: SigstoreVerifier) -> None:
    """A changed, an added or a missing byte of any field is refused."""
    count = 0
    accepted = []
    for place, value in _places(bundle):
        if isinstance(value, str):
            for mutant in _mutants(value):
                count += 1
                if _accepts(verifier, _with(bundle, place, mutant)):
                    accepted.append((place, mutant))
    assert accepted == []
    assert count > 500


def test_no_other_type_is_accepted(
    bundle: dict[str, Any], verifier: SigstoreVerifier, version: int
) -> None:
    """A field of another type, or one that is empty, is refused unless it may be missing."""
    for place, value in _places(bundle):
        for other in (None, True, 1, "", [], {}, [value], {"value": value}):
            if place and other != value and _accepts(verifier, _with(bundle, place, other)):
                assert other in ([], {}), place
                assert place in OPTIONAL[version]


def test_no_member_may_be_missing(
    bundle: dict[str, Any], verifier: SigstoreVerifier, version: int
) -> None:
    """Without any one of its members it is refused, but for those that say nothing."""
    accepted = set()
    for place, value in _places(bundle):
        for name in value if isinstance(value, dict) else ():
            changed = copy.deepcopy(bundle)
            del _at(changed, place)[name]
            if _accepts(verifier, json.dumps(changed)):
                accepted.add((*place, name))
    assert accepted == OPTIONAL[version]


def test_no_member_may_be_added(bundle: dict[str, Any], verifier: SigstoreVerifier) -> None:
    """With a member that nobody reads, in whatever object, it is refused."""
    for place, value in _places(bundle):
        if isinstance(value, dict):
            changed = copy.deepcopy(bundle)
            _at(changed, place)["more"] = "text"
            assert not _accepts(verifier, json.dumps(changed)), place


def test_no_member_may_be_there_twice(bundle: dict[str, Any], verifier: SigstoreVerifier) -> None:
    """With a member that is there twice, whatever its values, it is refused."""
    text = json.dumps(bundle)
    for place, value in _places(bundle):
        for name in value if isinstance(value, dict) else ():
            member = f'"{name}": {json.dumps(value[name])}'
            assert text.count(member) >= 1, place
            assert not _accepts(verifier, text.replace(member, f"{member}, {member}", 1)), place


def test_no_element_may_be_there_twice(bundle: dict[str, Any], verifier: SigstoreVerifier) -> None:
    """With an entry, a timestamp, a signature or a hash that is there twice, it is refused."""
    for place, value in _places(bundle):
        if isinstance(value, list) and value:
            assert not _accepts(verifier, _with(bundle, place, [*value, value[0]])), place
