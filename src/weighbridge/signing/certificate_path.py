"""
From a signer's certificate to a trusted root.

Paths are built and checked by `cryptography.x509.verification` alone (RFC 5280 section 6:
signatures, names, validity, path length, name constraints, critical extensions), with these
rules instead of the ones for web servers:

- an issuer is marked as an authority; its key usage, where stated, has keyCertSign, and its
  extended key usage, where stated, the purpose at hand: code signing or time stamping;
- name constraints are of the kinds that the library checks; an issuer with others is refused,
  since they would bind nobody. The library holds alternative names to them; an e-mail address in
  the subject (RFC 5280 4.2.1.10) has to be an alternative name, too, where addresses are
  constrained;
- roots are the caller's. There are no built-in ones.

Beyond the path, every certificate at hand must be one that another one of them signed: no byte
of a signature or of a trust file is left over for somebody to change.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError, SignatureRejectedError
from weighbridge.core.limits.signing import MAX_CHAIN_DEPTH
from weighbridge.core.values import frozen
from weighbridge.signing.certificate_file import (
    allows_purpose,
    described,
    find_extension,
    is_issued_by,
    is_valid_at,
)

_WORDS: Final = {
    ExtendedKeyUsageOID.CODE_SIGNING: "code signing",
    ExtendedKeyUsageOID.TIME_STAMPING: "time stamping",
}

_CHECKED_NAMES = (x509.DNSName, x509.IPAddress, x509.RFC822Name)


@frozen
class TrustStore:
    """
    The certificates that a caller trusts.

    Attributes:
        roots: Self-signed; a path must end in one of them.
        helpers: Intermediate certificates that came with the roots. They may be part of a
            path and end none.
    """

    roots: tuple[x509.Certificate, ...]
    helpers: tuple[x509.Certificate, ...]

    @classmethod
    def from_certificates(
        cls, certificates: Sequence[x509.Certificate], *, where: str
    ) -> "TrustStore":
        """
        Sort the certificates of a trust file.

        Raises:
            KeyRejectedError: None of them is self-signed, or one is signed by none of them.
        """
        roots = tuple(c for c in certificates if is_issued_by(c, c))
        helpers = tuple(c for c in certificates if c not in roots)
        if not roots:
            raise KeyRejectedError(
                "no root certificate",
                code=Code.CERTIFICATE_UNTRUSTED,
                where=where,
                expected="at least one self-signed certificate that verifies",
                found=", ".join(described(c) for c in certificates[:3]) or "none",
            )
        stray = first_stray(helpers, certificates)
        if stray is not None:
            raise KeyRejectedError(
                "a certificate was signed by none of the others: it was changed, or its issuer "
                "is missing",
                code=Code.CERTIFICATE_UNTRUSTED,
                where=where,
                found=described(stray),
            )
        return cls(roots=roots, helpers=helpers)


def find_path(
    chain: Sequence[x509.Certificate],
    trust: TrustStore,
    *,
    at: datetime,
    where: str,
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING,
) -> list[x509.Certificate]:
    """
    Return the path from `chain[0]` to one of the trusted roots, both included.

    Args:
        chain: The signer's certificate, then what came with it; untrusted.
        trust: The caller's roots.
        at: When every certificate of the path must be valid.
        where: The signature file, for messages.
        purpose: What each issuer's extended key usage, where stated, has to have.

    Raises:
        SignatureRejectedError: There is no such path, or the chain has a certificate that
            none of the others signed.
    """
    authority = (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _check_authority)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _check_key_usage)
        .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _purpose_check(purpose))
        .may_be_present(x509.NameConstraints, Criticality.AGNOSTIC, _check_name_constraints)
    )
    verifier = (
        PolicyBuilder()
        .store(Store(list(trust.roots)))
        .time(at.astimezone(UTC).replace(tzinfo=None))
        .max_chain_depth(MAX_CHAIN_DEPTH)
        .extension_policies(ca_policy=authority, ee_policy=ExtensionPolicy.permit_all())
        .build_client_verifier()
    )
    try:
        path = verifier.verify(chain[0], [*chain[1:], *trust.helpers]).chain
    except (VerificationError, ValueError) as error:
        raise _no_path(chain, trust, at=at, where=where, reason=str(error)) from error
    unchecked = _unchecked_address(path)
    if unchecked is not None:
        raise SignatureRejectedError(
            "an issuer constrains e-mail addresses, and the subject has one that was not checked",
            code=Code.CERTIFICATE_UNTRUSTED,
            where=where,
            expected="the address among the subject's alternative names",
            found=repr(unchecked),
        )
    stray = first_stray(chain[1:], [*chain, *trust.roots, *trust.helpers])
    if stray is not None:
        raise SignatureRejectedError(
            "a certificate in the signature was signed by none of the others",
            code=Code.CERTIFICATE_UNTRUSTED,
            where=where,
            expected="the signer's certificate and its issuers only",
            found=described(stray),
        )
    return path


def _unchecked_address(path: Sequence[x509.Certificate]) -> str | None:
    """Return an e-mail address of the leaf's subject that its issuers' constraints miss."""
    leaf, *issuers = path
    limits = [find_extension(issuer.extensions, x509.NameConstraints) for issuer in issuers]
    if not any(isinstance(name, x509.RFC822Name) for limit in limits for name in _subtrees(limit)):
        return None
    names = find_extension(leaf.extensions, x509.SubjectAlternativeName)
    checked = set(names.get_values_for_type(x509.RFC822Name)) if names is not None else set()
    for attribute in leaf.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS):
        if attribute.value not in checked:
            return str(attribute.value)
    return None


def _subtrees(limit: x509.NameConstraints | None) -> tuple[x509.GeneralName, ...]:
    if limit is None:
        return ()
    return (*(limit.permitted_subtrees or ()), *(limit.excluded_subtrees or ()))


def first_stray(
    certificates: Sequence[x509.Certificate], issuers: Sequence[x509.Certificate]
) -> x509.Certificate | None:
    """Return the first of *certificates* that none of *issuers* signed, itself included."""
    for certificate in certificates:
        if not any(is_issued_by(certificate, issuer) for issuer in issuers):
            return certificate
    return None


def expired(
    certificate: x509.Certificate, *, at: datetime, where: str, unused: Sequence[str] = ()
) -> SignatureRejectedError:
    """
    Build the error for a certificate that is not valid at *at*.

    Args:
        certificate: Which one.
        at: The time at which it should have been.
        where: The signature file, for messages.
        unused: Timestamps that might have helped, and why they did not.
    """
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    found = f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, for {described(certificate)}"
    hint = "Have the model signed again with a valid certificate"
    if unused:
        found += "; " + "; ".join(unused)[:400]
        hint += ", or give the root of the timestamps' authority"
    return SignatureRejectedError(
        "the certificate is not yet valid" if at < start else "the certificate has expired",
        code=Code.CERTIFICATE_EXPIRED,
        where=where,
        expected=f"a time from {start:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S} UTC",
        found=found,
        hint=hint,
    )


def _no_path(
    chain: Sequence[x509.Certificate],
    trust: TrustStore,
    *,
    at: datetime,
    where: str,
    reason: str,
) -> SignatureRejectedError:
    """Say why there is no path: an expired issuer where there is one, else the library's words."""
    issuers = {certificate.issuer for certificate in chain}
    for candidate in [*chain[1:], *trust.helpers, *trust.roots]:
        if candidate.subject in issuers and not is_valid_at(candidate, at):
            return expired(candidate, at=at, where=where)
    return SignatureRejectedError(
        "the signer's certificate does not lead to a trusted root",
        code=Code.CERTIFICATE_UNTRUSTED,
        where=where,
        expected="a valid path to " + " or ".join(described(c) for c in trust.roots[:3]),
        found=f"{described(chain[0])}: {reason[:200]}",
        hint="Give the root certificate of whoever signed",
    )


def _check_authority(
    _policy: Policy, _certificate: x509.Certificate, constraints: x509.BasicConstraints
) -> None:
    if not constraints.ca:
        raise ValueError("an issuer is not marked as an authority")


def _check_key_usage(
    _policy: Policy, _certificate: x509.Certificate, usage: x509.KeyUsage | None
) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("an issuer may not sign certificates")


def _purpose_check(
    purpose: x509.ObjectIdentifier,
) -> Callable[[Policy, x509.Certificate, x509.ExtendedKeyUsage | None], None]:
    """Return the check that an issuer is not restricted to other purposes."""

    def check(
        _policy: Policy, _certificate: x509.Certificate, extended: x509.ExtendedKeyUsage | None
    ) -> None:
        if extended is not None and not allows_purpose(extended, purpose):
            raise ValueError(f"an issuer is restricted to other purposes than {_WORDS[purpose]}")

    return check


def _check_name_constraints(
    _policy: Policy, _certificate: x509.Certificate, constraints: x509.NameConstraints | None
) -> None:
    names = _subtrees(constraints)
    unchecked = {type(name).__name__ for name in names if not isinstance(name, _CHECKED_NAMES)}
    if unchecked:
        raise ValueError(f"an issuer constrains names of unchecked kinds: {sorted(unchecked)}")
