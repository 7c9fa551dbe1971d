"""Claims that a case assumes: builds and signatures of the artifact and of its ancestors."""

import hashlib
import json
from typing import Final

from weighbridge.core.attestation import (
    Artifact,
    Attestation,
    Binding,
    Build,
    Content,
    SignedFiles,
    Source,
)
from weighbridge.core.build_types import COMMAND_BUILD_TYPE
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.identity import VerifiedIdentity
from weighbridge.core.values import frozen
from weighbridge.policy.schema import Policy
from weighbridge.policy.table import Table, quote

_PREDICATE_TYPE: Final = "https://slsa.dev/provenance/v1"


@frozen
class AssumedBuild:
    """
    A build that somebody would have signed.

    Attributes:
        of: What it gave, by its name; None for the artifact of the case.
        builder: Name of the policy's builder.
        signer: The trust entry that signed it; None for the builder's own.
        id: The builder's id in the statement; None for the one that the policy has.
        build_type: URI of the template.
        source: `URI@REF`, or None.
        parameters: Pairs of a dotted name and a value as JSON.
        inputs: Names of what it was made from.
    """

    of: str | None
    builder: str
    signer: str | None
    id: str | None
    build_type: str
    source: str | None
    parameters: tuple[tuple[str, str], ...]
    inputs: tuple[str, ...]


@frozen
class AssumedSignature:
    """A signature of something that the artifact was made from, carried along as a claim."""

    of: str
    signer: str


def read_build(table: Table) -> AssumedBuild | None:
    """Read one of a case's `builds`; None where problems were recorded."""
    of = table.text("of", required=False)
    builder = table.text("builder")
    signer = table.text("signer", required=False)
    identifier = table.text("id", required=False)
    build_type = table.text("build-type", required=False)
    source = table.text("source", required=False)
    parameters = _read_parameters(table)
    inputs = table.texts("inputs", required=False)
    table.finish()
    if builder is None:
        return None
    return AssumedBuild(
        of=of,
        builder=builder,
        signer=signer,
        id=identifier,
        build_type=build_type or COMMAND_BUILD_TYPE,
        source=source,
        parameters=parameters,
        inputs=inputs,
    )


def read_signature(table: Table) -> AssumedSignature | None:
    """Read one of a case's `signed`; None where problems were recorded."""
    of = table.text("of")
    signer = table.text("signer")
    table.finish()
    return None if of is None or signer is None else AssumedSignature(of=of, signer=signer)


def _read_parameters(build: Table) -> tuple[tuple[str, str], ...]:
    table = build.table("parameters")
    if table is None:
        return ()
    read: list[tuple[str, str]] = []
    for name in sorted(table.keys):
        value = table.words(name) if table.is_list(name) else table.text(name)
        read.append((name, json.dumps(list(value) if isinstance(value, tuple) else value)))
    table.finish()
    return tuple(read)


def assumption_problems(
    policy: Policy,
    builds: tuple[AssumedBuild, ...],
    signatures: tuple[AssumedSignature, ...],
) -> tuple[str, ...]:
    """Return what a case assumes and the policy does not have."""
    problems = [
        f"'builder': no [builder.{quote(build.builder)[1:-1]}]"
        for build in builds
        if all(builder.name != build.builder for builder in policy.builders)
    ]
    signers = [build.signer for build in builds if build.signer is not None]
    signers += [signature.signer for signature in signatures]
    problems += [
        f"'signer': no [trust.{quote(name)[1:-1]}]"
        for name in signers
        if policy.trust_entry(name) is None
    ]
    return tuple(dict.fromkeys(problems))


def signer_of(policy: Policy, build: AssumedBuild) -> str | None:
    """Return the trust entry that signed *build*; None where the policy has no such builder."""
    found = next((b for b in policy.builders if b.name == build.builder), None)
    return build.signer or (None if found is None else found.signed_by)


def build_attestation(
    policy: Policy,
    build: AssumedBuild,
    *,
    own: Binding,
    signer: VerifiedIdentity,
    trust: str,
    number: int,
) -> Attestation:
    """Return the statement that *build* assumes, about *own* or about what it names."""
    named = next((b.id for b in policy.builders if b.name == build.builder), build.builder)
    content = Build(
        predicate_type=_PREDICATE_TYPE,
        build_type=build.build_type,
        builder_id=build.id or named,
        parameters=build.parameters,
        source=_source(build.source),
        inputs=tuple(_artifact(name) for name in build.inputs),
    )
    artifact = (
        Artifact(name="the artifact", binding=own) if build.of is None else _artifact(build.of)
    )
    return _attested(artifact, content, signer=signer, trust=trust, number=number)


def signature_attestation(
    signature: AssumedSignature, *, signer: VerifiedIdentity, number: int
) -> Attestation:
    """Return the statement that *signature* assumes."""
    content = SignedFiles(paths=("assumed by the case",))
    artifact = _artifact(signature.of)
    return _attested(artifact, content, signer=signer, trust=signature.signer, number=number)


def _attested(
    artifact: Artifact, content: Content, *, signer: VerifiedIdentity, trust: str, number: int
) -> Attestation:
    return Attestation(
        signer=signer,
        trust=trust,
        place=f"claim {number + 1} of the case",
        sha256=hashlib.sha256(f"{number}".encode()).hexdigest(),
        artifacts=(artifact,),
        content=content,
    )


def _artifact(name: str) -> Artifact:
    """Return the artifact that a case calls *name*; its digests are made of that."""
    digest = Digest(HashAlgorithm.SHA256, hashlib.sha256(name.encode()).digest())
    return Artifact(name=name, binding=Binding(root=digest, names=digest))


def _source(text: str | None) -> Source | None:
    if text is None:
        return None
    uri, at, ref = text.rpartition("@")
    return Source(uri=uri, ref=ref) if at else Source(uri=text)
