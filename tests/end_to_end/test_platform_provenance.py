"""Provenance as platforms write it, signed as they sign it, decides about a model."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.claims import FILES, write_files
from support.keyless import CarelessSigner
from support.policies import blocking_codes
from support.statements import (
    Document,
    delegated,
    generic_v02,
    github,
    payload,
)
from weighbridge.core.verdict import Decision, Verdict
from weighbridge.demo.instance.identity import WorkflowRun
from weighbridge.demo.instance.loopback import LoopbackSigstore, loopback_sigstore
from weighbridge.pipeline.check import check
from weighbridge.pipeline.claims.listing import append_bundles
from weighbridge.policy.schema import Policy
from weighbridge.sources.interface import LocalHandle

COMMIT = "9f2c" * 10
RUN = WorkflowRun(repository="acme/train", ref="refs/tags/v1.4.0", commit=COMMIT)
POLICY = """
version = 1

[trust.release]
method = "sigstore"
identity = "https://github.com/acme/train/.github/workflows/release.yml@refs/tags/*"
issuer = "https://token.actions.githubusercontent.com"
trusted-root = "trusted_root.json"
trusted-root-sha256 = "{root}"

[builder.github]
id = "{builder}"
signed-by = "release"
max-level = 2

[[rule]]
match = ["**"]
boundary = ["*"]
signature = {{ required = false }}

[rule.provenance]
builder = ["github"]
min-level = 2
source = "git+https://github.com/acme/train@refs/tags/*"
parameters = {{ {parameters} }}
"""

PLATFORMS: dict[str, tuple[Callable[[], Document], str]] = {
    "artifact attestation": (github, '"workflow.path" = ".github/workflows/release.yml"'),
    "delegated build": (
        delegated,
        '"inputs.epochs" = "3", "inputs.fast" = "false", "inputs.flags" = "**"',
    ),
    "files of a workflow": (
        generic_v02,
        (
            '"configSource.entryPoint" = ".github/workflows/release.yml", '
            '"environment.github_event_payload.inputs.epochs" = "3"'
        ),
    ),
}


@pytest.fixture(scope="module")
def instance() -> Iterator[LoopbackSigstore]:
    """A running instance that plays GitHub's issuer, too."""
    with loopback_sigstore() as running:
        yield running


@pytest.fixture
def model(tmp_path: Path) -> LocalHandle:
    """A model without a signature of its own."""
    return write_files(tmp_path / "model", FILES)


def about(model: LocalHandle, document: Document, **names: str) -> Document:
    """Return *document* about the files of *model*; *names* gives some of them other names."""
    subject = [
        {
            "name": names.get(path.replace(".", "_"), path),
            "digest": {"sha256": hashlib.sha256((model.root / path).read_bytes()).hexdigest()},
        }
        for path in FILES
    ]
    return {**document, "subject": subject}


def signed(instance: LoopbackSigstore, document: Document, *, run: WorkflowRun = RUN) -> bytes:
    """Return the bundle around *document* by the workflow *run*."""
    # The usual signer takes statements of the current version only, and platforms others as well.
    token = instance.workflow_token(run)
    return CarelessSigner(instance, token=token, version=1).sign(payload(document))


def builder_of(document: Document) -> str:
    """Return the builder's id."""
    predicate = document["predicate"]
    builder: dict[str, str] = predicate.get("runDetails", predicate)["builder"]
    return builder["id"]


def judged(
    instance: LoopbackSigstore, model: LocalHandle, bundle: bytes, *, platform: str
) -> Verdict:
    """Append *bundle* to the claims of *model*, and check it under the platform's rule."""
    directory = model.root.parent
    made, parameters = PLATFORMS[platform]
    (directory / "attestation.jsonl").write_bytes(bundle)
    append_bundles(model.root, [directory / "attestation.jsonl"])
    root = instance.trusted_root.read_bytes()
    (directory / "trusted_root.json").write_bytes(root)
    text = POLICY.format(
        root=hashlib.sha256(root).hexdigest(), builder=builder_of(made()), parameters=parameters
    )
    policy = directory / "weighbridge.toml"
    policy.write_text(text)
    return check(model.root, policy=Policy.from_file(policy), boundary="deploy")


def changed(document: Document, path: tuple[Any, ...], value: Any) -> Document:
    """Return *document* with *value* at *path*."""
    copy: Document = json.loads(json.dumps(document))
    place: Any = copy
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return copy


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_platforms_bundle_is_enough(
    platform: str, instance: LoopbackSigstore, model: LocalHandle
) -> None:
    """A bundle as the platform gives it, about single files, allows the model at its level."""
    bundle = signed(instance, about(model, PLATFORMS[platform][0]()))
    verdict = judged(instance, model, bundle, platform=platform)
    assert verdict.decision is Decision.ALLOW, verdict.reasons
    (evidence,) = verdict.provenance
    assert (evidence.builder, evidence.level) == ("github", 2)
    assert evidence.source == "git+https://github.com/acme/train@refs/tags/v1.4.0"


DEFINITION = ("predicate", "buildDefinition")
WORKFLOW = (*DEFINITION, "externalParameters", "workflow")
DEPENDENCY = (*DEFINITION, "resolvedDependencies", 0)
EVIL = "https://github.com/evil/train"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({("subject", 0, "digest", "sha256"): "00" * 32}, None),
        ({("subject", 1, "name"): "other.safetensors"}, None),
        ({("subject",): [{"name": "config.json", "digest": {"sha256": "00" * 32}}]}, None),
        ({(*WORKFLOW, "path"): ".github/workflows/evil.yml"}, "provenance-parameter"),
        ({(*WORKFLOW, "ref"): "refs/heads/main"}, "provenance-parameter"),
        ({(*WORKFLOW, "repository"): EVIL}, "provenance-parameter"),
        ({(*DEFINITION, "externalParameters", "inputs"): {"x": ""}}, "provenance-parameter"),
        ({(*DEFINITION, "buildType"): "https://example.org/unknown"}, "provenance-build-type"),
        ({(*DEPENDENCY, "digest", "gitCommit"): "ab" * 20}, "provenance-source"),
        ({(*DEPENDENCY, "uri"): f"git+{EVIL}@refs/tags/v1.4.0"}, "provenance-source"),
        (
            {
                (*DEPENDENCY, "uri"): f"git+{EVIL}@refs/tags/v1.4.0",
                (*WORKFLOW, "repository"): EVIL,
            },
            "provenance-source",
        ),
        (
            {
                (*DEPENDENCY, "uri"): "git+https://github.com/acme/train@refs/tags/v0.1",
                (*WORKFLOW, "ref"): "refs/tags/v0.1",
            },
            "provenance-source",
        ),
        ({(*DEFINITION, "resolvedDependencies"): []}, "provenance-source"),
        ({("predicate", "runDetails", "builder", "id"): EVIL}, "provenance-builder"),
        ({("predicateType",): "https://slsa.dev/provenance/v0.1"}, "claim-unknown"),
        ({(*WORKFLOW, "path"): ""}, "claim-malformed"),
        ({("subject",): []}, "claim-malformed"),
    ],
)
def test_another_content_by_the_same_workflow_is_denied(
    changes: dict[tuple[Any, ...], Any],
    code: str | None,
    instance: LoopbackSigstore,
    model: LocalHandle,
) -> None:
    """Whatever the statement says that the rule does not ask for denies the model, by its reason."""
    document = about(model, github())
    for path, value in changes.items():
        document = changed(document, path, value)
    verdict = judged(instance, model, signed(instance, document), platform="artifact attestation")
    assert verdict.decision is Decision.DENY
    assert code is None or code in blocking_codes(verdict), verdict.reasons


@pytest.mark.parametrize(
    "run",
    [
        WorkflowRun(repository="evil/train", ref=RUN.ref, commit=COMMIT),
        WorkflowRun(repository="acme/train", ref="refs/heads/main", commit=COMMIT),
        WorkflowRun(
            repository="acme/train",
            workflow=".github/workflows/other.yml",
            ref=RUN.ref,
            commit=COMMIT,
        ),
    ],
)
def test_the_same_content_by_another_workflow_is_denied(
    run: WorkflowRun, instance: LoopbackSigstore, model: LocalHandle
) -> None:
    """What the statement says of its builder counts only together with who signed it."""
    bundle = signed(instance, about(model, github()), run=run)
    verdict = judged(instance, model, bundle, platform="artifact attestation")
    assert verdict.decision is Decision.DENY
    assert "claim-untrusted" in blocking_codes(verdict)


def test_the_certificate_has_the_last_word_about_the_source(
    instance: LoopbackSigstore, model: LocalHandle
) -> None:
    """A workflow that may sign for the builder cannot name another commit than it ran on."""
    run = WorkflowRun(repository="acme/train", ref=RUN.ref, commit="ab" * 20)
    bundle = signed(instance, about(model, github()), run=run)
    verdict = judged(instance, model, bundle, platform="artifact attestation")
    assert verdict.decision is Decision.DENY
    assert "provenance-source" in blocking_codes(verdict)


def test_a_file_may_be_in_one_directory_of_the_build(
    instance: LoopbackSigstore, model: LocalHandle
) -> None:
    """Platforms name files as the build left them; two directories are not one model."""
    names = {"config_json": "dist/config.json", "model_safetensors": "dist/model.safetensors"}
    bundle = signed(instance, about(model, github(), **names))
    verdict = judged(instance, model, bundle, platform="artifact attestation")
    assert verdict.decision is Decision.ALLOW, verdict.reasons
    (model.root / "model.claims.jsonl").unlink()
    names["config_json"] = "other/config.json"
    bundle = signed(instance, about(model, github(), **names))
    verdict = judged(instance, model, bundle, platform="artifact attestation")
    assert verdict.decision is Decision.DENY


def test_several_bundles_of_one_file_are_lines(
    instance: LoopbackSigstore, model: LocalHandle
) -> None:
    """A file of bundles, one a line, is appended as it is; one that does not count is no harm."""
    other = signed(instance, github())
    bundles = b"\n".join([other, signed(instance, about(model, github())), b""])
    verdict = judged(instance, model, bundles, platform="artifact attestation")
    assert verdict.decision is Decision.ALLOW, verdict.reasons
    assert (model.root / "model.claims.jsonl").read_bytes().count(b"\n") == 2
