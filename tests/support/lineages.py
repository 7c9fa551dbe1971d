"""Made-up attestations: artifacts, builds of them, signatures and receipts, in memory."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from support.policies import NOW, RUNNER, builder, key_identity, keyed, sha256
from weighbridge.core.attestation import (
    Artifact,
    Attestation,
    Binding,
    Build,
    Content,
    Resource,
    SignedFiles,
    Source,
    Summary,
)
from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.identity import VerifiedIdentity
from weighbridge.policy.controls.ancestry import BuildJudge, BuildJudgement
from weighbridge.policy.reasons import denied
from weighbridge.policy.rule import Rule
from weighbridge.policy.schema import Policy

POLICY_SHA256 = sha256(4711).hex
COMMAND = "urn:weighbridge:build-type:command:v1"
HEAD = keyed("hsm", "spare", "runner", "gate") + builder("runner", RUNNER, level=2)
PROVENANCE = 'provenance = { builder = ["runner"] }'
LINEAGE = 'lineage = { inputs = "must-match-a-rule", depth = 3 }'
RECEIPT = f'from = "gate", max-age = "30d", policy = "sha256:{POLICY_SHA256}"'
UNSIGNED = "signature = { required = false }"
SIGNED = 'signature = { any-of = ["hsm"] }'

SIGNERS = {"hsm": 1, "spare": 2, "runner": 3, "gate": 4}
"""The keys of the trust entries that the tests of lineages have."""


def policy_of(*rules: tuple[str, ...]) -> Policy:
    """Return a policy with rules: each a pattern and its lines."""
    text = HEAD + "".join(
        "\n".join(("[[rule]]", f'match = ["{match}"]', 'boundary = ["*"]', *lines, ""))
        for match, *lines in rules
    )
    return Policy.from_toml(text.encode(), path=None)


def by_signer(attestations: tuple[Attestation, ...]) -> BuildJudge:
    """Return a judge for whom each build counts that the runner signed."""

    def judge(rule: Rule, binding: Binding) -> BuildJudgement:
        assert rule.provenance.required
        builds = tuple(
            each
            for each in attestations
            if isinstance(each.content, Build) and each.trust == "runner" and each.is_about(binding)
        )
        missing = denied(Code.SIGNER_THRESHOLD, "nobody says how it was built")
        return BuildJudgement(reasons=() if builds else (missing,), builds=builds)

    return judge


def binding_of(content: str) -> Binding:
    """Return the digests of the artifact that *content* stands for."""
    names = hashlib.sha256(content.encode()).digest()
    root = hashlib.sha256(b"root of " + content.encode()).digest()
    return Binding(
        root=Digest(HashAlgorithm.SHA256, root), names=Digest(HashAlgorithm.SHA256, names)
    )


def artifact_of(name: str, *, content: str | None = None, uri: str | None = None) -> Artifact:
    """Return an artifact; its content is called like itself unless *content* says otherwise."""
    return Artifact(name=name, uri=uri, binding=binding_of(name if content is None else content))


def attested(
    artifact: Artifact,
    content: Content,
    *,
    trust: str,
    identity: VerifiedIdentity | None = None,
    line: int = 1,
) -> Attestation:
    """Return a verified statement of the trust entry *trust* about *artifact*."""
    signer = identity or key_identity(SIGNERS[trust])
    text = repr((artifact, content, trust, signer))
    return Attestation(
        signer=signer,
        trust=trust,
        place=f"model.claims.jsonl:{line}",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        artifacts=(artifact,),
        content=content,
    )


def build_of(
    *inputs: Artifact,
    builder: str = "https://github.com/actions/runner/github-hosted",
    build_type: str = COMMAND,
    parameters: Sequence[tuple[str, str]] = (),
    source: Source | None = None,
    others: Iterable[Resource] = (),
    run: str | None = None,
) -> Build:
    """Return a build that was made of *inputs*."""
    return Build(
        predicate_type="https://slsa.dev/provenance/v1",
        build_type=build_type,
        builder_id=builder,
        parameters=tuple(parameters),
        source=source,
        inputs=inputs,
        others=tuple(others),
        invocation_id=run,
    )


def built(
    artifact: Artifact, *inputs: Artifact, trust: str = "runner", line: int = 1
) -> Attestation:
    """Return the runner's word that *artifact* was made of *inputs*."""
    return attested(artifact, build_of(*inputs), trust=trust, line=line)


def signed(artifact: Artifact, *, trust: str = "hsm", line: int = 1) -> Attestation:
    """Return the signature of *artifact*, carried along as a claim."""
    return attested(artifact, SignedFiles(paths=("model.safetensors",)), trust=trust, line=line)


def receipt_for(
    artifact: Artifact,
    *,
    trust: str = "gate",
    verifier: str = "urn:weighbridge:verifier",
    verified: datetime | None = NOW - timedelta(days=1),
    policy: str | None = POLICY_SHA256,
    passed: bool = True,
    boundary: str | None = "upload",
    resource: str = "models/bert",
) -> Attestation:
    """Return the gate's verdict about *artifact*."""
    summary = Summary(
        verifier_id=verifier,
        verified=verified,
        resource_uri=resource,
        policy_uri="weighbridge.toml",
        policy_sha256=policy,
        passed=passed,
        boundary=boundary,
    )
    return attested(artifact, summary, trust=trust)
