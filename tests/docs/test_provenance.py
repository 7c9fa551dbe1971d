"""`docs/provenance.md` shows statements as they are written, and names every build type."""

import json
from datetime import UTC, datetime

from support.documents import blocks, document
from support.statements import artifact, build, summary
from weighbridge.core.attestation import Resource
from weighbridge.core.build_types import KNOWN_BUILD_TYPES
from weighbridge.policy.schema import Policy
from weighbridge.provenance.slsa import render_build
from weighbridge.provenance.summary import render_summary

PAGE = "docs/provenance.md"
SHA256 = "ab" * 32


def test_the_statements_are_those_that_are_written() -> None:
    """The first statement of the page is a build of ours, the second a receipt, whole."""
    receipt = summary(
        verifier_versions=(("weighbridge", "0.1.0"),),
        verified=datetime(2026, 1, 31, 12, tzinfo=UTC),
        policy_sha256=SHA256,
        levels=("SLSA_BUILD_LEVEL_2",),
        inputs=(Resource(uri="file:model.sig", digests=(("sha256", SHA256),)),),
        boundary="deploy",
    )
    about = [artifact("acme/bert")]
    shown = [json.loads(b.text) for b in blocks(document(PAGE)) if b.language == "json"]
    statements = [found for found in shown if isinstance(found, dict) and "_type" in found]
    assert statements == [
        json.loads(render_build(build(), artifacts=about)),
        json.loads(render_summary(receipt, artifacts=about)),
    ]


def test_every_known_build_type_is_on_the_page() -> None:
    """Whoever writes a rule finds there what to expect of each; one is an older name of another."""
    older = "https://github.com/slsa-framework/slsa-github-generator@v1"
    text = document(PAGE)
    assert [uri for uri in sorted(KNOWN_BUILD_TYPES - {older}) if f"`{uri}`" not in text] == []


def test_the_policy_on_the_page_is_one() -> None:
    """The example is read as it stands."""
    found = [b.text for b in blocks(document(PAGE)) if b.language == "toml"]
    policies = [text for text in found if text.startswith("version = 1")]
    assert policies
    for text in policies:
        assert Policy.from_toml(text.encode(), path=None).rules
