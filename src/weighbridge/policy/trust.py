"""Trust entries and builders: whom a policy believes, and the reading of them."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from weighbridge.core.fulcio import CLAIM_NAMES
from weighbridge.core.identity import SigningMethod
from weighbridge.core.values import frozen
from weighbridge.policy.glob import IdentityGlob
from weighbridge.policy.table import Table, quote

MAX_SLSA_LEVEL: Final = 3
"""The highest SLSA build level that exists (SLSA v1.0, build track)."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_ANYBODY: Final = frozenset({"any", "anyone", "anybody", "all", "none"})


class TrustMethod(StrEnum):
    """How a trusted signer is recognised. PKCS#11 signatures are of one of the first two."""

    KEY = "key"
    CERTIFICATE = "certificate"
    SIGSTORE = "sigstore"


@frozen
class TimestampRule:
    """
    Whose timestamps count for signatures of an entry.

    Attributes:
        certificate_chain: Path of the PEM roots of timestamp authorities, relative to the
            policy's directory.
        required: Whether a signature without a trusted timestamp is refused.
    """

    certificate_chain: str
    required: bool


def _chain(rule: TimestampRule | None) -> tuple[str, ...]:
    return () if rule is None else (rule.certificate_chain,)


@frozen
class KeyTrust:
    """
    The holder of the private key to a public key, or of several: one signer, whichever signs.

    Attributes:
        name: Name of the entry.
        public_key: Path of the PEM file, relative to the policy's directory.
        other_keys: Paths of further ones of the same signer.
        nonstandard_keys: Whether keys are allowed that the signature format does not have.
        valid_until: The last day, in UTC, on which the signer used these keys; None while they
            are in use.
        timestamps: Whose clocks are believed.
    """

    name: str
    public_key: str
    other_keys: tuple[str, ...] = ()
    nonstandard_keys: bool = False
    valid_until: date | None = None
    timestamps: TimestampRule | None = None

    @property
    def public_keys(self) -> tuple[str, ...]:
        """Paths of all the signer's keys."""
        return (self.public_key, *self.other_keys)

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of all files that say who the signer is."""
        return (*self.public_keys, *_chain(self.timestamps))

    @property
    def method(self) -> SigningMethod:
        """The method whose signatures the entry is about."""
        return SigningMethod.KEY


@frozen
class CertificateTrust:
    """
    Holders of certificates below given roots: all conditions that are given have to hold.

    Attributes:
        name: Name of the entry.
        certificate_chain: Path of the PEM roots, relative to the policy's directory.
        subject: RFC 4514 subject; None when any will do.
        identity: E-mail address, URI or DNS name in the subject alternative name.
        san_uri: URI in the subject alternative name.
        any_identity: The policy says in so many words that every certificate below the roots
            is trusted; then there is no other condition.
        timestamps: Whose clocks are believed; None for this machine's alone.
    """

    name: str
    certificate_chain: str
    subject: str | None
    identity: str | None
    san_uri: str | None
    any_identity: bool
    timestamps: TimestampRule | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of all files that say who the signer is."""
        return (self.certificate_chain, *_chain(self.timestamps))

    @property
    def method(self) -> SigningMethod:
        """The method whose signatures the entry is about."""
        return SigningMethod.CERTIFICATE


@frozen
class SigstoreTrust:
    """
    Somebody for whom an identity provider vouches: all conditions have to hold.

    Attributes:
        name: Name of the entry.
        identity: E-mail address or URI; a pattern only where it has a `*`.
        issuer: URL of the OpenID Connect issuer, exactly.
        claims: What else the certificate has to say, sorted: pairs of one of
            `core.fulcio.CLAIM_NAMES` and a pattern.
        trusted_root: Path of the trusted root, or of a client trust configuration, relative to
            the policy's directory; None for the public instance's root in the installed package.
        trusted_root_sha256: Lower-case hex SHA-256 of that file, where there is one.
    """

    name: str
    identity: IdentityGlob
    issuer: str
    claims: tuple[tuple[str, IdentityGlob], ...] = ()
    trusted_root: str | None = None
    trusted_root_sha256: str | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of all files that say who the signer is."""
        return () if self.trusted_root is None else (self.trusted_root,)

    @property
    def method(self) -> SigningMethod:
        """The method whose signatures the entry is about."""
        return SigningMethod.SIGSTORE


TrustEntry = KeyTrust | CertificateTrust | SigstoreTrust


@frozen
class Builder:
    """
    Whom to believe about how an artifact was built.

    Attributes:
        name: Name of the entry.
        id: URI of the builder as provenance names it. Behind its last `@`, where a platform puts
            the ref of a workflow, it may have wildcards.
        signed_by: Name of the trust entry that has to sign the provenance.
        max_level: The SLSA build level up to which the builder is believed.
    """

    name: str
    id: str
    signed_by: str
    max_level: int

    def is_named(self, builder_id: str, /) -> bool:
        """Tell whether provenance that names *builder_id* names this builder."""
        return IdentityGlob(self.id).matches(builder_id)


def read_trust(table: Table) -> TrustEntry | None:
    """Read one `[trust.NAME]`; None where problems were recorded."""
    name = _entry_name(table)
    method = table.choice("method", TrustMethod, default=None)
    if method is None:
        return None
    entry = _READERS[method](table, name)
    table.finish()
    return entry


def read_builder(table: Table) -> Builder | None:
    """Read one `[builder.NAME]`; None where problems were recorded."""
    name = _entry_name(table)
    identifier = table.text("id")
    # What is in front of the ref is another mode of the builder, with another level.
    exact, at, _ref = (identifier or "").rpartition("@")
    _refuse_wildcards(table, key="id", text=exact if at else identifier)
    signed_by = table.text("signed-by")
    max_level = table.integer("max-level", default=None, least=1, most=MAX_SLSA_LEVEL)
    table.finish()
    if identifier is None or signed_by is None:
        return None
    return Builder(name=name, id=identifier, signed_by=signed_by, max_level=max_level)


def _entry_name(table: Table) -> str:
    if _NAME.fullmatch(table.key) is None:
        table.problem("a name has 1 to 64 of A-Z a-z 0-9 . _ - and starts with a letter or digit")
    return table.key


def _read_key(table: Table, name: str) -> KeyTrust | None:
    keys = table.text_or_texts("public-key")
    nonstandard = table.flag("nonstandard-keys", default=False)
    valid_until = table.day("valid-until", required=False)
    timestamps = _read_timestamps(table)
    if not keys:
        return None
    return KeyTrust(
        name=name,
        public_key=keys[0],
        other_keys=keys[1:],
        nonstandard_keys=nonstandard,
        valid_until=valid_until,
        timestamps=timestamps,
    )


def _read_timestamps(table: Table) -> TimestampRule | None:
    """Read whose timestamps count, if anybody's do."""
    chain = table.text("timestamp-certificate-chain", required=False)
    required = table.flag("require-timestamp", default=False)
    if chain is not None:
        return TimestampRule(certificate_chain=chain, required=required)
    if required:
        table.problem(
            "'require-timestamp': nobody's would count; give 'timestamp-certificate-chain'",
            key="require-timestamp",
        )
    return None


def _read_certificate(table: Table, name: str) -> CertificateTrust | None:
    chain = table.text("certificate-chain")
    conditions = {
        key: table.text(key, required=False) for key in ("subject", "identity", "san-uri")
    }
    for key, text in conditions.items():
        _refuse_wildcards(table, key=key, text=text)
    any_identity = table.flag("any-identity", default=False)
    named = [key for key in conditions if table.has(key)]
    if any_identity and named:
        table.problem(f"'any-identity' contradicts '{named[0]}'", key="any-identity")
    if not any_identity and not named:
        table.problem(
            "no identity: give 'identity', 'san-uri' or 'subject'; to trust every certificate "
            "below the roots, say any-identity = true"
        )
    timestamps = _read_timestamps(table)
    if chain is None:
        return None
    return CertificateTrust(
        name=name,
        certificate_chain=chain,
        subject=conditions["subject"],
        identity=conditions["identity"],
        san_uri=conditions["san-uri"],
        any_identity=any_identity,
        timestamps=timestamps,
    )


def _read_sigstore(table: Table, name: str) -> SigstoreTrust | None:
    identity = _identity_glob(table, "identity")
    issuer = table.text("issuer")
    _refuse_wildcards(table, key="issuer", text=issuer)
    if issuer is not None and not issuer.startswith("https://"):
        table.problem(f"'issuer': expected an https URL, found {quote(issuer)}", key="issuer")
    claims = _read_claims(table)
    root, digest = _read_root(table)
    if identity is None or issuer is None:
        return None
    problem = _identity_problem(identity)
    if problem is not None:
        table.problem(f"'identity': {quote(identity.pattern)} {problem}", key="identity")
    return SigstoreTrust(
        name=name,
        identity=identity,
        issuer=issuer,
        claims=claims,
        trusted_root=root,
        trusted_root_sha256=digest,
    )


def _identity_glob(table: Table, key: str, *, required: bool = True) -> IdentityGlob | None:
    glob = table.glob(key, required=required)
    return None if glob is None else IdentityGlob(glob.pattern)


def _read_claims(table: Table) -> tuple[tuple[str, IdentityGlob], ...]:
    """Read what else the certificate has to say."""
    claims = table.table("claims")
    if claims is None:
        return ()
    read = []
    for key in sorted(CLAIM_NAMES):
        pattern = _identity_glob(claims, key, required=False)
        if pattern is None:
            continue
        # A claim that may be anything still has to be there: that is a condition, too.
        problem = _identity_problem(pattern) if "://" in pattern.pattern else None
        if problem is not None:
            claims.problem(f"'{key}': {quote(pattern.pattern)} {problem}", key=key)
        read.append((key, pattern))
    if not claims.keys:
        table.problem("'claims' names none", key="claims")
    claims.finish()
    return tuple(read)


def _read_root(table: Table) -> tuple[str | None, str | None]:
    """Read which trusted root counts: a file is pinned by its digest."""
    root = table.text("trusted-root", required=False)
    digest = table.text("trusted-root-sha256", required=False)
    if (root is None) != (digest is None):
        table.problem("'trusted-root' and 'trusted-root-sha256' belong together: give both")
    if digest is not None and _SHA256.fullmatch(digest) is None:
        table.problem(
            f"'trusted-root-sha256': expected 64 lower-case hex digits, found {quote(digest)}",
            key="trusted-root-sha256",
        )
    return root, digest


def _identity_problem(identity: IdentityGlob) -> str | None:
    """Say why *identity* names nobody in particular, or return None."""
    if identity.pattern.lower() in _ANYBODY or identity.is_unbounded:
        return "stands for any signer: name one"
    scheme, separator, rest = identity.pattern.partition("://")
    if separator and "*" in scheme + "".join(rest.split("/", 2)[:2]):
        return "has a wildcard in its scheme, its host or its owner, the first part of the path"
    if not separator and "*" in identity.pattern.rpartition("@")[2]:
        return "has a wildcard in its domain"
    return None


def _refuse_wildcards(table: Table, *, key: str, text: str | None) -> None:
    if text is None:
        return
    if "*" in text:
        table.problem(f"'{key}': {quote(text)} has a wildcard; here it has to be exact", key=key)
    elif text.lower() in _ANYBODY:
        table.problem(f"'{key}': {quote(text)} names nobody", key=key)


_READERS: Final[Mapping[TrustMethod, Callable[[Table, str], TrustEntry | None]]] = MappingProxyType(
    {
        TrustMethod.KEY: _read_key,
        TrustMethod.CERTIFICATE: _read_certificate,
        TrustMethod.SIGSTORE: _read_sigstore,
    }
)
