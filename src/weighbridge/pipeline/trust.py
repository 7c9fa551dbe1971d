"""From a policy's trust entries to verifiers that hold their keys."""

from weighbridge.core.codes import Code
from weighbridge.core.errors import PolicyError
from weighbridge.core.limits import MAX_KEY_FILE_BYTES, MAX_TRUST_FILE_BYTES
from weighbridge.policy.schema import Policy
from weighbridge.policy.trust import CertificateTrust, KeyTrust, SigstoreTrust, TrustEntry
from weighbridge.signing.certificate import CertificateVerifier
from weighbridge.signing.identity import ExpectedIdentity
from weighbridge.signing.interface import Verifier
from weighbridge.signing.key import KeyVerifier
from weighbridge.sources.reading import read_named


def verifier_for(entry: TrustEntry, policy: Policy) -> Verifier:
    """
    Return the verifier for *entry*.

    Nothing here uses the network, and nothing of the user's home is read: whom a policy trusts
    is in its files and in the installed packages.

    Raises:
        UsageError: The key file that the policy names is not there.
        KeyRejectedError: It is there and cannot be used.
        OperationError: It cannot be read.
    """
    match entry:
        case KeyTrust():
            place = policy.directory / entry.public_key
            data = read_named(place, limit=MAX_KEY_FILE_BYTES, what="public key")
            return KeyVerifier.from_pem(data, where=str(place))
        case CertificateTrust():
            place = policy.directory / entry.certificate_chain
            data = read_named(place, limit=MAX_KEY_FILE_BYTES, what="certificate chain")
            return CertificateVerifier.from_pem(
                data,
                where=str(place),
                expected=ExpectedIdentity(
                    subject=entry.subject,
                    identity=entry.identity,
                    san_uri=entry.san_uri,
                    any_identity=entry.any_identity,
                ),
            )
        case SigstoreTrust():
            return _keyless_verifier(entry, policy)


def _keyless_verifier(entry: SigstoreTrust, policy: Policy) -> Verifier:
    # The sigstore package is slow to import, and most policies do without.
    from weighbridge.signing.sigstore.expected import ExpectedSigner  # noqa: PLC0415
    from weighbridge.signing.sigstore.trust import (  # noqa: PLC0415
        Instance,
        packaged_trust,
        parse_trust,
    )
    from weighbridge.signing.sigstore.verification import SigstoreVerifier  # noqa: PLC0415

    if entry.trusted_root is None or entry.trusted_root_sha256 is None:
        trust = packaged_trust(Instance.PUBLIC)
    else:
        place = policy.directory / entry.trusted_root
        data = read_named(place, limit=MAX_TRUST_FILE_BYTES, what="trusted root")
        trust = parse_trust(data, where=str(place), sha256=entry.trusted_root_sha256)
    expected = ExpectedSigner(
        identity=entry.identity, issuer=entry.issuer, claims=dict(entry.claims)
    )
    return SigstoreVerifier(trust=trust, expected=expected)


def trust_entries(policy: Policy, names: tuple[str, ...]) -> tuple[TrustEntry, ...]:
    """
    Return the entries called *names*.

    Raises:
        PolicyError: There is none of that name; parsing a policy rules that out.
    """
    entries = []
    for name in names:
        entry = policy.trust_entry(name)
        if entry is None:
            raise PolicyError(
                f"no trust entry is called {name}", code=Code.POLICY_MALFORMED, where=policy.path
            )
        entries.append(entry)
    return tuple(entries)
