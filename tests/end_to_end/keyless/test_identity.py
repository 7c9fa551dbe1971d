"""Keyless signatures: who signed, and by whose word."""

import pytest

from support.keyless import ADA, Case
from weighbridge.core.codes import Code
from weighbridge.demo.instance.faults import CertificateFault, Faults
from weighbridge.demo.instance.identity import GITHUB_ISSUER, WorkflowRun

RUN = WorkflowRun()


def test_a_workflow_is_accepted(case: Case) -> None:
    """A workflow that is expected is accepted under the name of its issuer."""
    case.sign(token=case.instance.workflow_token(RUN))
    case.accepted(identity=RUN.identity, issuer=GITHUB_ISSUER)


def test_a_wrong_identity_is_refused(case: Case) -> None:
    """A good signature by somebody else is somebody else's."""
    case.sign(token=case.instance.token("eve@example.org"))
    error = case.refused(Code.IDENTITY_MISMATCH)
    assert "eve@example.org" in str(error)


def test_a_wrong_issuer_is_refused(case: Case) -> None:
    """The expected identity by the word of another issuer than the expected one is refused."""
    case.sign()
    case.refused(Code.IDENTITY_MISMATCH, issuer="https://accounts.example.org")


def test_the_same_name_by_another_issuer_is_refused(case: Case) -> None:
    """Whoever gets a workflow's name certified by another issuer is not that workflow."""
    case.sign(token=case.instance.token(RUN.identity))
    case.accepted(identity=RUN.identity)
    case.refused(Code.IDENTITY_MISMATCH, identity=RUN.identity, issuer=GITHUB_ISSUER)


@pytest.mark.parametrize(
    "expected",
    [
        "ADA@example.org",
        "ada@example.or",
        "da@example.org",
        "*",
        "ada@*",
        ".*",
        f"{ADA} ",
        f"{ADA}\n",
    ],
)
def test_only_the_very_name_is_accepted(case: Case, expected: str) -> None:
    """Other cases, parts, wildcards and white space do not match."""
    case.sign()
    case.refused(Code.IDENTITY_MISMATCH, identity=expected)


def test_only_the_very_issuer_is_accepted(case: Case) -> None:
    """A slash at the end makes another issuer."""
    case.sign()
    case.refused(Code.IDENTITY_MISMATCH, issuer=f"{case.instance.issuer.url}/")


@pytest.mark.parametrize(
    "run",
    [
        WorkflowRun(ref="refs/tags/v2"),
        WorkflowRun(ref="refs/heads/main"),
        WorkflowRun(repository="acme/model"),
        WorkflowRun(repository="mallory/models"),
        WorkflowRun(workflow=".github/workflows/test.yml"),
    ],
)
def test_another_workflow_is_refused(case: Case, run: WorkflowRun) -> None:
    """Another tag, branch, repository or workflow is somebody else."""
    case.sign(token=case.instance.workflow_token(run))
    case.accepted(identity=run.identity, issuer=GITHUB_ISSUER)
    case.refused(Code.IDENTITY_MISMATCH, identity=RUN.identity, issuer=GITHUB_ISSUER)


def test_a_certificate_without_a_name_is_refused(case: Case) -> None:
    """A certificate that names nobody is nobody's."""
    case.sign(faults=Faults(certificate=CertificateFault.NO_IDENTITY))
    case.refused(Code.CERTIFICATE_MALFORMED, Code.CERTIFICATE_UNTRUSTED)


def test_a_certificate_with_two_names_is_refused(case: Case) -> None:
    """A certificate that names the expected signer and another one is nobody's."""
    case.sign(faults=Faults(certificate=CertificateFault.TWO_IDENTITIES))
    case.refused(Code.CERTIFICATE_MALFORMED)


def test_a_certificate_without_an_issuer_is_refused(case: Case) -> None:
    """A certificate that does not say by whose word it was issued is nobody's."""
    case.sign(faults=Faults(certificate=CertificateFault.NO_ISSUER))
    case.refused(Code.CERTIFICATE_MALFORMED)


def test_a_certificate_with_two_issuers_is_refused(case: Case) -> None:
    """A certificate that says one thing in today's form and another in that of old is refused."""
    case.sign(faults=Faults(certificate=CertificateFault.TWO_ISSUERS))
    case.refused(Code.CERTIFICATE_MALFORMED)
