"""
Gives every reader of signatures nearly valid input, and fails when one crashes or lets it pass.

Two things are wrong: an exception that is none of ours, and a changed signature file that is
accepted although it says something else than the one that was signed. Each target changes one
part: the file as a whole, or what is encoded in it, which a change of the file seldom reaches.
By hand, with coverage to guide it: `make fuzz-signatures`.
"""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

from cryptography import x509

from fuzz.parsers import mutate
from support import statements
from support.pki import NOW, Plan, bundle_pem, curve_key, intermediate_plan, public_pem, root
from support.signatures import SHARDS, key_signer, key_verifier, state
from weighbridge.core.attestation import Build, Summary
from weighbridge.core.errors import (
    RefusedError,
    SignatureRejectedError,
    UsageError,
    WeighbridgeError,
)
from weighbridge.core.identity import VerifiedIdentity
from weighbridge.demo.instance.loopback import loopback_sigstore
from weighbridge.provenance.reading import read_claim
from weighbridge.provenance.slsa import render_build
from weighbridge.provenance.summary import render_summary
from weighbridge.signing.bundle import parse_bundle
from weighbridge.signing.certificate import CertificateSigner, CertificateVerifier
from weighbridge.signing.certificate_file import load_certificates
from weighbridge.signing.certificate_path import TrustStore
from weighbridge.signing.identity import ExpectedIdentity
from weighbridge.signing.interface import Verifier
from weighbridge.signing.key_file import load_public_key
from weighbridge.signing.sigstore.credentials import GivenToken
from weighbridge.signing.sigstore.expected import Exactly, ExpectedSigner
from weighbridge.signing.sigstore.signer import SigstoreSigner
from weighbridge.signing.sigstore.trust import parse_trust
from weighbridge.signing.sigstore.verification import SigstoreVerifier
from weighbridge.signing.statement import parse_statement, render_statement
from weighbridge.signing.timestamps.token import UntrustedTimestampError, verify_timestamp

_WHERE: Final = "model.sig"
_ADA: Final = "ada@example.org"
_BYTES: Final = frozenset(
    {"payload", "sig", "rawBytes", "canonicalizedBody", "hashes", "rootHash", "signedTimestamp"}
    | {"signedEntryTimestamp", "keyId"}
)
"""Members of a signature file that are bytes in base64, or lists of such."""
_SIGNATURE: Final = b"the bytes of a signature"
_STAMPED: Final = Path(__file__).parents[1] / "vectors" / "timestamps"
_TIMESTAMPS: Final = tuple((_STAMPED / f"{name}.tsr").read_bytes() for name in ("ecdsa", "rsa"))
_MUCH_LATER: Final = datetime(2099, 1, 1, tzinfo=UTC)


class CrashError(AssertionError):
    """A reader raised what none of ours is."""


class AcceptedError(AssertionError):
    """What nobody signed was accepted."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """
    One thing that is given changed bytes.

    Attributes:
        seeds: Where changes start.
        check: Raises `AcceptedError`, or whatever a reader raised that is none of ours.
    """

    seeds: tuple[bytes, ...]
    check: Callable[[bytes], None]


def check(name: str, data: bytes) -> bool:
    """
    Give *data* to the target *name* and return whether it was refused.

    Raises:
        AcceptedError: It was accepted and says something else than what was signed.
        CrashError: A reader raised an exception that is none of ours.
    """
    try:
        targets()[name].check(data)
    except RefusedError:
        return True
    except AcceptedError:
        raise
    except WeighbridgeError:
        return True
    except Exception as error:
        raise CrashError(f"{name}: {type(error).__name__}: {error}\n{data[:2000].hex()}") from error
    return False


def seeds() -> dict[str, tuple[bytes, ...]]:
    """Return where changes start, by target."""
    return {name: target.seeds for name, target in targets().items()}


def mutants(name: str, *, seed: int, count: int) -> list[bytes]:
    """Return *count* changed seeds of the target *name*."""
    rng = Random(f"{name}-{seed}")
    pool = targets()[name].seeds
    return [mutate(rng.choice(pool), rng, rng.choice(pool)) for _ in range(count)]


@cache
def targets() -> dict[str, Target]:
    """Return every target by its name."""
    payloads = tuple(render_statement(state(layout=layout)) for layout in (None, SHARDS))
    chain = _chain()
    return {
        "statement": Target(seeds=payloads, check=_statement),
        "claim": Target(seeds=_claims(), check=_claim),
        "public-key": Target(
            seeds=tuple(public_pem(curve_key(curve)) for curve in ("secp256r1", "secp521r1")),
            check=lambda data: _ignore(load_public_key(data, where="key.pub")),
        ),
        "certificates": Target(
            seeds=(chain.pem,),
            check=lambda data: _ignore(load_certificates(data, where="chain.pem")),
        ),
        "timestamp": Target(seeds=_TIMESTAMPS, check=_timestamp),
        **_signed("key", key_signer().sign(payloads[0]), key_verifier()),
        **_signed("certificate", chain.signer.sign(payloads[0]), chain.verifier),
        **_keyless(payloads[0]),
    }


@dataclass(frozen=True, kw_only=True)
class _Chain:
    pem: bytes
    signer: CertificateSigner
    verifier: CertificateVerifier


def _chain() -> _Chain:
    """Return a signer whose certificate two authorities stand behind."""
    authority = root()
    middle = authority.issue(intermediate_plan(), key=curve_key(number=3))
    leaf = middle.issue(Plan(names=(x509.RFC822Name("signer@example.org"),)))
    signer = CertificateSigner.from_pem(leaf.key_pem, leaf.pem, (bundle_pem([middle]),), at=NOW)
    verifier = CertificateVerifier.from_pem(
        authority.pem, expected=ExpectedIdentity(identity="signer@example.org")
    )
    return _Chain(pem=bundle_pem([leaf, middle, authority]), signer=signer, verifier=verifier)


def _keyless(payload: bytes) -> dict[str, Target]:
    """Return the targets of keyless signatures: one by each version of the log's protocol."""
    found: dict[str, Target] = {}
    with loopback_sigstore() as instance:
        for version, place in ((1, instance.trust_config_v1), (2, instance.trust_config)):
            trust = parse_trust(place.read_bytes(), where="trust.json")
            signer = SigstoreSigner(trust=trust, credentials=GivenToken(text=instance.token(_ADA)))
            expected = ExpectedSigner(identity=Exactly(_ADA), issuer=instance.issuer.url)
            verifier = SigstoreVerifier(trust=trust, expected=expected)
            found |= _signed(f"keyless{version}", signer.sign(payload), verifier)
    return found


def _signed(method: str, file: bytes, verifier: Verifier) -> dict[str, Target]:
    """Return the targets that change a signature file and what is encoded in it."""
    document = json.loads(file)
    at = datetime.now(UTC) if method.startswith("keyless") else NOW

    def verified(data: bytes) -> tuple[VerifiedIdentity, bytes]:
        """Return who signed what; equal for two files that say the same."""
        bundle = parse_bundle(data, where=_WHERE)
        identity = verifier.verify(bundle, at=at)
        parse_statement(bundle.payload, where=_WHERE)
        return identity, bundle.payload

    original = verified(file)

    def target(*path: str | int) -> Target:
        seed = base64.b64decode(_at(document, path)) if path else file

        def run(data: bytes) -> None:
            changed = file_with(document, path, data) if path else data
            if verified(changed) != original:
                raise AcceptedError(f"{method} {path}: {changed.decode(errors='replace')[:4000]}")

        return Target(seeds=(seed,), check=run)

    inner = {
        "-".join(str(step) for step in (method, *path[1:]) if step != "rawBytes"): target(*path)
        for path in _encoded(document)
    }
    return {f"{method}-file": target(), **inner}


def _encoded(document: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield where *document* has bytes in base64."""
    if isinstance(document, str):
        if path[-1] in _BYTES or (len(path) > 1 and path[-2] in _BYTES):
            yield path
        return
    steps = document.items() if isinstance(document, dict) else ()
    for step, value in steps or (enumerate(document) if isinstance(document, list) else ()):
        yield from _encoded(value, (*path, step))


def file_with(document: Any, path: tuple[str | int, ...], data: bytes) -> bytes:
    """Return the signature file *document* with *data* encoded at *path*."""
    copy = json.loads(json.dumps(document))
    _at(copy, path[:-1])[path[-1]] = base64.b64encode(data).decode()
    return json.dumps(copy).encode()


def _at(document: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


def _timestamp(data: bytes) -> None:
    """Verify a timestamp; none but the very ones that were made is believed."""
    try:
        verify_timestamp(data, signature=_SIGNATURE, trust=_clocks(), at=_MUCH_LATER)
    except UntrustedTimestampError as error:
        raise SignatureRejectedError(str(error)) from error
    if data not in _TIMESTAMPS:
        raise AcceptedError(f"a changed timestamp is believed: {data[:4000].hex()}")


@cache
def _clocks() -> TrustStore:
    """Return the root of the timestamps' authority."""
    roots = load_certificates((_STAMPED / "root.pem").read_bytes(), where="root.pem")
    return TrustStore.from_certificates(roots, where="root.pem")


def _statement(data: bytes) -> None:
    """Read a statement; what is read must be written and read as the same."""
    statement = parse_statement(data, where=_WHERE, allow_legacy=True)
    again = parse_statement(render_statement(statement), where=_WHERE)
    if (again.root, again.resources) != (statement.root, statement.resources):
        raise AcceptedError(f"a statement that reads differently: {data[:2000]!r}")


def _claims() -> tuple[bytes, ...]:
    """Return a statement of each kind and platform, ours included."""
    about = [statements.artifact("acme/bert")]
    return (
        render_build(statements.build(), artifacts=about),
        render_summary(statements.summary(boundary="deploy"), artifacts=about),
        *(
            statements.payload(made())
            for made in (
                statements.github,
                statements.delegated,
                statements.container_based,
                statements.generic_v02,
                statements.gitlab,
                statements.link,
                statements.collection,
                statements.verification,
            )
        ),
    )


def _claim(data: bytes) -> None:
    """Read a claim; what is written of it must be read as the same."""
    claim = read_claim(data, where=_WHERE)
    try:
        if isinstance(claim.content, Build):
            again = render_build(claim.content, artifacts=claim.artifacts)
        elif isinstance(claim.content, Summary):
            again = render_summary(claim.content, artifacts=claim.artifacts)
        else:
            raise AcceptedError(f"a claim of another kind: {data[:2000]!r}")
    except UsageError:
        return
    read = read_claim(again, where=_WHERE)
    if (read.content, read.artifacts) != (claim.content, claim.artifacts):
        raise AcceptedError(f"a claim that reads differently: {data[:2000]!r}")


def _ignore(_value: object) -> None:
    """Only exceptions matter."""
