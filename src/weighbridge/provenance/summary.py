"""
SLSA verification summaries: a verdict that somebody reached; our receipts are of this kind.

Source: SLSA v1.2, verification summary.
"""

from collections.abc import Sequence
from typing import Final

from weighbridge.core.attestation import Artifact, Summary
from weighbridge.core.limits.claims import MAX_STATEMENT_RESOURCES
from weighbridge.formats.json import JsonValue
from weighbridge.provenance.fields import (
    Fields,
    JsonObject,
    bounded,
    optional_mapping,
    optional_text,
    optional_texts,
    optional_time,
    render_time,
    required_text,
)
from weighbridge.provenance.resources import read_digests, read_resources, render_resource
from weighbridge.provenance.statement import check_written, render_statement

SUMMARY_V1: Final = "https://slsa.dev/verification_summary/v1"
"""The predicate's type; minor versions do not change it."""

SLSA_VERSION: Final = "1.2"
"""The version of the specification that our receipts follow."""

BOUNDARY_FIELD: Final = "urn:weighbridge:boundary"
"""
The boundary at which the policy was applied: a field of ours.

Names of fields that a summary has besides the standard's are URIs (verification summary, parsing
rules).
"""

_PASSED: Final = "PASSED"
_FAILED: Final = "FAILED"


def read_summary(predicate: Fields, /) -> Summary:
    """
    Return the verdict that *predicate* describes.

    Raises:
        ClaimError: It does not follow the format.
        LimitExceededError: It is beyond a bound.
    """
    verifier, policy = predicate.object("verifier"), predicate.object("policy")
    result = predicate.text("verificationResult")
    if result not in {_PASSED, _FAILED}:
        raise predicate.error(
            "the result is none", expected=f"{_PASSED} or {_FAILED}", found=repr(result[:40])
        )
    return Summary(
        verifier_id=required_text(verifier, "id"),
        verifier_versions=_versions(verifier),
        verified=optional_time(predicate, "timeVerified"),
        resource_uri=required_text(predicate, "resourceUri"),
        policy_uri=required_text(policy, "uri"),
        policy_sha256=dict(read_digests(policy)).get("sha256"),
        passed=result == _PASSED,
        levels=optional_texts(predicate, "verifiedLevels", limit=MAX_STATEMENT_RESOURCES),
        inputs=read_resources(predicate, "inputAttestations"),
        boundary=optional_text(predicate, BOUNDARY_FIELD),
    )


def render_summary(summary: Summary, /, *, artifacts: Sequence[Artifact]) -> bytes:
    """
    Return the statement that *summary* is the verdict about *artifacts*: bytes to sign.

    Raises:
        UsageError: The verdict or what it is about cannot be written so that it is read the same.
    """
    policy: JsonObject = {"uri": summary.policy_uri}
    if summary.policy_sha256 is not None:
        policy["digest"] = {"sha256": summary.policy_sha256}
    verifier: JsonObject = {"id": summary.verifier_id}
    if summary.verifier_versions:
        verifier["version"] = dict(summary.verifier_versions)
    levels: list[JsonValue] = list(summary.levels)
    predicate: JsonObject = {
        "verifier": verifier,
        "resourceUri": summary.resource_uri,
        "policy": policy,
        "verificationResult": _PASSED if summary.passed else _FAILED,
        "verifiedLevels": levels,
        "slsaVersion": SLSA_VERSION,
    }
    if summary.verified is not None:
        predicate["timeVerified"] = render_time(summary.verified)
    if summary.inputs:
        predicate["inputAttestations"] = [render_resource(item) for item in summary.inputs]
    if summary.boundary is not None:
        predicate[BOUNDARY_FIELD] = summary.boundary
    check_written(predicate, summary, read_summary)
    return render_statement(artifacts=artifacts, predicate_type=SUMMARY_V1, predicate=predicate)


def _versions(verifier: Fields) -> tuple[tuple[str, str], ...]:
    versions = optional_mapping(verifier, "version")
    pairs: list[tuple[str, str]] = []
    for component in sorted(versions):
        version = versions[component]
        if not isinstance(version, str):
            raise verifier.error(
                "a version has the wrong type", expected="a string", found="another one"
            )
        bounded(verifier, "version", component)
        pairs.append((component, bounded(verifier, "version", version)))
    return tuple(pairs)
