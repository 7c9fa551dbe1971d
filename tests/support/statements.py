"""Statements for tests: our own, and made-up ones in the forms that other platforms write."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from weighbridge.core.attestation import Artifact, Binding, Build, Source, Summary
from weighbridge.core.build_types import (
    COMMAND_BUILD_TYPE,
    GENERATOR_CONTAINER_BASED,
    GENERATOR_DELEGATOR,
    GITHUB_WORKFLOW,
    WITNESS,
)
from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.errors import ClaimError
from weighbridge.provenance.link import LINK_V03
from weighbridge.provenance.reading import Claim, read_claim
from weighbridge.provenance.slsa import PROVENANCE_V1
from weighbridge.provenance.slsa_v02 import PROVENANCE_V02

Document = dict[str, Any]
"""A statement that a test takes apart and puts together wrongly."""

WHERE = "model.claims.jsonl:1"
STATEMENT_V1 = "https://in-toto.io/Statement/v1"
STATEMENT_V01 = "https://in-toto.io/Statement/v0.1"
COMMIT = "9f2c" * 10
REPOSITORY = "https://github.com/acme/train"
REF = "refs/tags/v1.4.0"
SOURCE = Source(uri=f"git+{REPOSITORY}", ref=REF, commit=COMMIT)
WEIGHTS = "aa" * 32
CONFIG = "bb" * 32


def sha256(text: str) -> Digest:
    """Return the digest of *text*."""
    return Digest(HashAlgorithm.SHA256, hashlib.sha256(text.encode()).digest())


def artifact(name: str, *, uri: str | None = None) -> Artifact:
    """Return an artifact whose two digests are made of its *name*."""
    binding = Binding(root=sha256(f"{name} root"), names=sha256(f"{name} names"))
    return Artifact(name=name, uri=uri, binding=binding)


def build(**changes: Any) -> Build:
    """Return a build of ours, with *changes*."""
    values: dict[str, Any] = {
        "predicate_type": PROVENANCE_V1,
        "build_type": COMMAND_BUILD_TYPE,
        "builder_id": "https://ci.example.org/builders/gpu",
        "parameters": (("command", '["python","train.py"]'), ("params.epochs", '"3"')),
        "source": SOURCE,
        "inputs": (artifact("acme/base"),),
    }
    return Build(**{**values, **changes})


def summary(**changes: Any) -> Summary:
    """Return a verdict of ours, with *changes*."""
    values: dict[str, Any] = {
        "verifier_id": "urn:weighbridge:verifier",
        "resource_uri": "acme/bert",
        "policy_uri": "weighbridge.toml",
        "passed": True,
    }
    return Summary(**{**values, **changes})


def files(**digests: str) -> list[Document]:
    """Return subjects for single files: their names, with `_` for a dot, and their digests."""
    return [
        {"name": name.replace("_", "."), "digest": {"sha256": digest}}
        for name, digest in digests.items()
    ]


def statement(
    predicate_type: str,
    predicate: Any,
    *,
    subject: Sequence[Any] | None = None,
    kind: str = STATEMENT_V1,
) -> Document:
    """Return a statement about two files of a model."""
    return {
        "_type": kind,
        "subject": list(subject or files(model_safetensors=WEIGHTS, config_json=CONFIG)),
        "predicateType": predicate_type,
        "predicate": predicate,
    }


def payload(document: Any) -> bytes:
    """Return *document* as bytes to sign."""
    return json.dumps(document).encode()


def read(document: Any) -> Claim:
    """Return the claim that *document* is."""
    return read_claim(payload(document), where=WHERE)


def built(document: Any) -> Build:
    """Return the build that *document* describes."""
    content = read(document).content
    assert isinstance(content, Build)
    return content


@contextmanager
def refused(code: Code = Code.CLAIM_MALFORMED, *, text: str = "") -> Iterator[None]:
    """Expect a claim to be refused with *code*, the place and *text* in the message."""
    with pytest.raises(ClaimError) as caught:
        yield
    assert caught.value.code is code
    assert caught.value.where == WHERE
    assert text in str(caught.value)


def git_dependency(uri: str = f"git+{REPOSITORY}@{REF}", **digest: str) -> Document:
    """Return the source among the dependencies."""
    return {"uri": uri, "digest": digest or {"gitCommit": COMMIT}}


def provenance(build_type: str, external: Any, **definition: Any) -> Document:
    """Return SLSA provenance v1."""
    return {
        "buildDefinition": {
            "buildType": build_type,
            "externalParameters": external,
            "resolvedDependencies": [git_dependency()],
            **definition,
        },
        "runDetails": {
            "builder": {"id": f"{REPOSITORY}/.github/workflows/release.yml@{REF}"},
            "metadata": {"invocationId": f"{REPOSITORY}/actions/runs/42/attempts/1"},
        },
    }


def github(**external: Any) -> Document:
    """Return what GitHub's artifact attestations say; *external* changes its parameters."""
    workflow = {"ref": REF, "repository": REPOSITORY, "path": ".github/workflows/release.yml"}
    return statement(
        PROVENANCE_V1,
        provenance(
            GITHUB_WORKFLOW,
            {"workflow": workflow, **external},
            internalParameters={
                "github": {
                    "event_name": "push",
                    "repository_id": "1",
                    "repository_owner_id": "2",
                    "runner_environment": "github-hosted",
                }
            },
        ),
    )


def container_based() -> Document:
    """Return what the SLSA GitHub generator says of a build in a container."""
    image = {"uri": f"image@sha256:{'cc' * 32}", "digest": {"sha256": "cc" * 32}}
    source = git_dependency(sha1=COMMIT)
    generator = git_dependency(
        "git+https://github.com/slsa-framework/generator@v2", sha256="dd" * 32
    )
    return statement(
        PROVENANCE_V1,
        provenance(
            GENERATOR_CONTAINER_BASED,
            {
                "source": source,
                "builderImage": image,
                "configPath": "build.toml",
                "buildConfig": {"ArtifactPath": "out", "Command": ["make"]},
            },
            resolvedDependencies=[source, generator],
        ),
        kind=STATEMENT_V01,
    )


def delegated() -> Document:
    """Return what the SLSA GitHub generator says of a build that was delegated to it."""
    return statement(
        PROVENANCE_V1,
        provenance(
            GENERATOR_DELEGATOR,
            {"inputs": {"epochs": 3, "flags": "", "fast": False}, "vars": {}},
            internalParameters={"GITHUB_EVENT_NAME": "push"},
        ),
        kind=STATEMENT_V01,
    )


def generic_v02(**invocation: Any) -> Document:
    """Return what the SLSA GitHub generator says of files that a workflow made."""
    return statement(
        PROVENANCE_V02,
        {
            "builder": {"id": "https://github.com/slsa-framework/generator.yml@refs/tags/v2.0.0"},
            "buildType": "https://github.com/slsa-framework/slsa-github-generator/generic@v1",
            "invocation": {
                "configSource": {
                    **git_dependency(sha1=COMMIT),
                    "entryPoint": ".github/workflows/release.yml",
                },
                "parameters": {},
                "environment": {
                    "github_event_name": "workflow_dispatch",
                    "github_event_payload": {"inputs": {"epochs": "3"}, "ref": REF},
                },
                **invocation,
            },
            "metadata": {"buildInvocationID": "42-1", "reproducible": False},
            "materials": [git_dependency(sha1=COMMIT)],
        },
        kind=STATEMENT_V01,
    )


def gitlab(**external: Any) -> Document:
    """Return what GitLab's runner says, with what it calls a sha256."""
    project = "https://gitlab.com/acme/train"
    made = provenance(
        "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/v17.1.0/PROVENANCE.md",
        {
            "source": project,
            "entryPoint": "build-job",
            "variables": {"CI": "", "CI_COMMIT_SHA": ""},
            **external,
        },
        internalParameters={"executor": "docker", "architecture": "amd64", "job": 7},
        resolvedDependencies=[{"uri": project, "digest": {"sha256": COMMIT}}],
    )
    made["runDetails"]["builder"] = {"id": "https://gitlab.com/acme/train/-/runners/12"}
    return statement(PROVENANCE_V1, made, kind=STATEMENT_V01)


def link(**changes: Any) -> Document:
    """Return an in-toto link."""
    predicate = {
        "name": "train",
        "command": ["python", "train.py"],
        "materials": [{"name": "train.py", "digest": {"sha256": "ee" * 32}}],
        "byproducts": {"return-value": 0, "stdout": "done"},
        "environment": {"workdir": "here"},
    }
    return statement(LINK_V03, {**predicate, **changes})


def collection(**attestors: Any) -> Document:
    """Return a collection of Witness; *attestors* change what each of them saw."""
    seen = {
        "material": {"train.py": {"sha256": "ee" * 32, "gitoid:sha1": "gitoid:blob:sha1:00"}},
        "command-run": {"cmd": ["python", "train.py"], "exitcode": 0, "stdout": "done"},
        "git": {"commithash": COMMIT, "remotes": [REPOSITORY], "refs": [REF]},
        "environment": {"os": "linux", "variables": {"HOME": "here"}},
        "product": {"model.safetensors": {"mime_type": "x", "digest": {"sha256": WEIGHTS}}},
        **{name.replace("_", "-"): value for name, value in attestors.items()},
    }
    base = "https://witness.dev/attestations"
    times = {"starttime": "2026-01-31T12:00:00.5+01:00", "endtime": "2026-01-31T11:30:00Z"}
    return statement(
        WITNESS,
        {
            "name": "train",
            "attestations": [
                {"type": f"{base}/{name}/v0.1", "attestation": value, **times}
                for name, value in seen.items()
                if value is not None
            ],
        },
        subject=[
            {"name": f"{base}/product/v0.1/file:model.safetensors", "digest": {"sha256": WEIGHTS}},
            {"name": f"{base}/git/v0.1/commithash:{COMMIT}", "digest": {"sha1": COMMIT}},
        ],
        kind=STATEMENT_V01,
    )


def verification(**changes: Any) -> Document:
    """Return a verification summary of somebody else's."""
    predicate = {
        "verifier": {"id": "https://verify.example.org", "version": {"checker": "2.1"}},
        "timeVerified": "2026-01-31T12:00:00.25Z",
        "resourceUri": "https://example.org/bert",
        "policy": {"uri": "https://example.org/policy", "digest": {"sha256": "ab" * 32}},
        "inputAttestations": [{"digest": {"sha256": "cd" * 32}}],
        "verificationResult": "PASSED",
        "verifiedLevels": ["SLSA_BUILD_LEVEL_3"],
        "slsaVersion": "1.0",
    }
    return statement("https://slsa.dev/verification_summary/v1", {**predicate, **changes})
