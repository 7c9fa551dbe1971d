"""From a policy's trust entries to verifiers that hold their keys."""

from weighbridge.core.codes import Code
from weighbridge.core.errors import PolicyError
from weighbridge.core.limits import MAX_KEY_FILE_BYTES
from weighbridge.policy.schema import Policy
from weighbridge.policy.trust import CertificateTrust, KeyTrust, SigstoreTrust, TrustEntry
from weighbridge.signing.certificate import CertificateVerifier
from weighbridge.signing.identity import ExpectedIdentity
from weighbridge.signing.interface import Verifier
from weighbridge.signing.key import KeyVerifier
from weighbridge.sources.reading import read_named


def verifier_for(entry: TrustEntry, policy: Policy) -> Verifier | None:
    """
    Return the verifier for *entry*; None for a method that this version cannot verify.

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
            return None


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
