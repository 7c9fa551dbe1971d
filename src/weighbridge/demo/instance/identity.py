"""
Who a token is about, and how Fulcio writes that into a certificate.

Source: https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md and oidc.md.
"""

from collections.abc import Mapping
from typing import Final

from cryptography import x509
from cryptography.hazmat.asn1 import encode_der

from weighbridge.core.values import frozen
from weighbridge.demo.instance.oidc import Claims

GITHUB_ISSUER: Final = "https://token.actions.githubusercontent.com"
GITHUB: Final = "https://github.com"

_ARC: Final = "1.3.6.1.4.1.57264.1"
_ISSUER_OLD: Final = 1
_ISSUER: Final = 8


@frozen
class WorkflowRun:
    """
    A run of a workflow that publishes a model; what its token says of it.

    Attributes:
        repository: Owner and name.
        workflow: The file, relative to the repository.
        ref: The branch or tag that it runs for.
        commit: The commit, 40 hex digits.
        trigger: The event that started it.
        visibility: Of the repository.
        run: Number of the run.
    """

    repository: str = "acme/models"
    workflow: str = ".github/workflows/release.yml"
    ref: str = "refs/tags/v1"
    commit: str = "0123456789abcdef0123456789abcdef01234567"
    trigger: str = "push"
    visibility: str = "public"
    run: int = 1

    @property
    def identity(self) -> str:
        """What the certificate will say who it is."""
        return f"{GITHUB}/{self.repository}/{self.workflow}@{self.ref}"

    def claims(self) -> Claims:
        """Return the claims that GitHub's issuer makes about such a run."""
        workflow = f"{self.repository}/{self.workflow}@{self.ref}"
        return {
            "sub": f"repo:{self.repository}:ref:{self.ref}",
            "job_workflow_ref": workflow,
            "job_workflow_sha": self.commit,
            "workflow_ref": workflow,
            "workflow_sha": self.commit,
            "workflow": "release",
            "event_name": self.trigger,
            "repository": self.repository,
            "repository_id": "1001",
            "repository_owner": self.repository.partition("/")[0],
            "repository_owner_id": "1000",
            "repository_visibility": self.visibility,
            "ref": self.ref,
            "sha": self.commit,
            "run_id": str(self.run),
            "run_attempt": "1",
            "runner_environment": "github-hosted",
        }


@frozen
class CertifiedIdentity:
    """
    What a certificate is to say of its holder.

    Attributes:
        name: The subject alternative name.
        extensions: The issuer, and what else Fulcio takes from the claims; never critical.
    """

    name: x509.GeneralName
    extensions: tuple[x509.UnrecognizedExtension, ...]


class ClaimsRefusedError(Exception):
    """The claims of a token do not tell who it is about."""


def certified_identity(claims: Mapping[str, object]) -> CertifiedIdentity:
    """
    Return what a certificate for the verified *claims* says.

    Raises:
        ClaimsRefusedError: They lack what their issuer has to say.
    """
    issuer = _claim(claims, "iss")
    if issuer == GITHUB_ISSUER:
        workflow = f"{GITHUB}/{_claim(claims, 'job_workflow_ref')}"
        return CertifiedIdentity(
            name=x509.UniformResourceIdentifier(workflow),
            extensions=(*issuer_extensions(issuer), *_workflow(claims)),
        )
    if "email" in claims:
        if claims.get("email_verified") is not True:
            raise ClaimsRefusedError("the e-mail address is not verified")
        return CertifiedIdentity(
            name=x509.RFC822Name(_claim(claims, "email")), extensions=issuer_extensions(issuer)
        )
    subject = _claim(claims, "sub")
    if "://" not in subject:
        raise ClaimsRefusedError("expected an e-mail address, or a URI as the subject")
    return CertifiedIdentity(
        name=x509.UniformResourceIdentifier(subject), extensions=issuer_extensions(issuer)
    )


def issuer_extensions(issuer: str) -> tuple[x509.UnrecognizedExtension, ...]:
    """Return what names the issuer: in the form of old, without DER, and in that of today."""
    return _raw(_ISSUER_OLD, issuer), _text(_ISSUER, issuer)


def _workflow(claims: Mapping[str, object]) -> tuple[x509.UnrecognizedExtension, ...]:
    """Write the claims of a workflow run; the first five in the form of old, without DER."""

    def said(name: str) -> str:
        return _claim(claims, name)

    repository = f"{GITHUB}/{said('repository')}"
    run = f"{repository}/actions/runs/{said('run_id')}/attempts/{said('run_attempt')}"
    old = ("event_name", "sha", "workflow", "repository", "ref")
    new = {
        9: f"{GITHUB}/{said('job_workflow_ref')}",
        10: said("job_workflow_sha"),
        11: said("runner_environment"),
        12: repository,
        13: said("sha"),
        14: said("ref"),
        15: said("repository_id"),
        16: f"{GITHUB}/{said('repository_owner')}",
        17: said("repository_owner_id"),
        18: f"{GITHUB}/{said('workflow_ref')}",
        19: said("workflow_sha"),
        20: said("event_name"),
        21: run,
        22: said("repository_visibility"),
    }
    return (
        *(_raw(number, said(name)) for number, name in enumerate(old, start=2)),
        *(_text(number, value) for number, value in new.items()),
    )


def _claim(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise ClaimsRefusedError(f"the token does not say {name}")
    return value


def _raw(number: int, value: str) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(_oid(number), value.encode())


def _text(number: int, value: str) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(_oid(number), encode_der(value))


def _oid(number: int) -> x509.ObjectIdentifier:
    return x509.ObjectIdentifier(f"{_ARC}.{number}")
