"""From a policy's trust entries to verifiers that hold their keys."""

from datetime import UTC, datetime, time

from weighbridge.core.codes import Code
from weighbridge.core.errors import PolicyError
from weighbridge.core.limits.signing import MAX_KEY_FILE_BYTES, MAX_TRUST_FILE_BYTES
from weighbridge.policy.schema import Policy
from weighbridge.policy.trust import (
    CertificateTrust,
    KeyTrust,
    SigstoreTrust,
    TimestampRule,
    TrustEntry,
)
from weighbridge.signing.certificate import CertificateVerifier
from weighbridge.signing.identity import ExpectedIdentity
from weighbridge.signing.interface import Verifier
from weighbridge.signing.key import KeyVerifier
from weighbridge.signing.key_set import KeySetVerifier
from weighbridge.signing.timestamps.trust import TimestampTrust
from weighbridge.sources.reading import read_named


def verifier_for(entry: TrustEntry, policy: Policy) -> Verifier:
    """
    Return the verifier for *entry*.

    Nothing here uses the network, and nothing of the user's home is read: whom a policy trusts
    is in its files and in the installed packages.

    Raises:
        UsageError: The key file that the policy names is not there.
        PolicyError: A policy made in memory names a trusted root and does not pin it.
        KeyRejectedError: It is there and cannot be used.
        OperationError: It cannot be read.
    """
    match entry:
        case KeyTrust():
            return _key_verifier(entry, policy)
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
                timestamps=_timestamps(entry.timestamps, policy),
            )
        case SigstoreTrust():
            return _keyless_verifier(entry, policy)


def _key_verifier(entry: KeyTrust, policy: Policy) -> Verifier:
    """Return the verifier for one signer's key or keys."""
    timestamps = _timestamps(entry.timestamps, policy)
    until = entry.valid_until
    # The last day counts in full.
    end = None if until is None else datetime.combine(until, time.max, tzinfo=UTC)
    verifiers = []
    for key in entry.public_keys:
        place = policy.directory / key
        verifiers.append(
            KeyVerifier.from_pem(
                read_named(place, limit=MAX_KEY_FILE_BYTES, what="public key"),
                where=str(place),
                allow_nonstandard=entry.nonstandard_keys,
                timestamps=timestamps,
                valid_until=end,
            )
        )
    if len(verifiers) == 1:
        return verifiers[0]
    return KeySetVerifier(verifiers, where=f"trust.{entry.name}")


def _timestamps(rule: TimestampRule | None, policy: Policy) -> TimestampTrust | None:
    """Return the trust in timestamp authorities that an entry has."""
    if rule is None:
        return None
    place = policy.directory / rule.certificate_chain
    data = read_named(place, limit=MAX_KEY_FILE_BYTES, what="timestamp certificate chain")
    return TimestampTrust.from_pem(data, where=str(place), required=rule.required)


def _keyless_verifier(entry: SigstoreTrust, policy: Policy) -> Verifier:
    # The sigstore package is slow to import, and most policies do without.
    from weighbridge.signing.sigstore.expected import ExpectedSigner  # noqa: PLC0415
    from weighbridge.signing.sigstore.trust import (  # noqa: PLC0415
        Instance,
        packaged_trust,
        parse_trust,
    )
    from weighbridge.signing.sigstore.verification import SigstoreVerifier  # noqa: PLC0415

    if entry.trusted_root is None and entry.trusted_root_sha256 is None:
        trust = packaged_trust(Instance.PUBLIC)
    elif entry.trusted_root is None or entry.trusted_root_sha256 is None:
        raise PolicyError(
            f"the trust entry {entry.name} has half of a trusted root",
            where=policy.path,
            expected="'trusted-root' with 'trusted-root-sha256', or neither",
        )
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
