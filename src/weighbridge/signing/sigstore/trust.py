"""
Trusted roots: which authorities, logs and clocks a keyless verification believes, and when.

A root comes from one of three places and from nowhere else: the installed `sigstore` package, a
file that the caller named, and what `weighbridge trust update` fetched, which is a file, too.
The package's own cache in the user's home is never read: nobody verifies what is in it.

Every authority and log of a root has a time in which it was in use. The `sigstore` package looks
at that of timestamp authorities only, so a key that was retired long ago could still vouch for
something new. `Trust.in_use` leaves out what was not in use at the time of the signature, and
every log but the one that the entry names.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeVar

from cryptography import x509
from sigstore._internal.tuf import DEFAULT_TUF_URL, STAGING_TUF_URL
from sigstore._utils import read_embedded
from sigstore.errors import Error as SigstoreError
from sigstore.models import ClientTrustConfig, TrustedRoot
from sigstore.verify import Verifier
from sigstore_models.common.v1 import TimeRange
from sigstore_models.trustroot import v1 as trustroot

from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError, MalformedContentError, SignatureRejectedError
from weighbridge.core.limits.signing import MAX_TRUST_FILE_BYTES
from weighbridge.core.values import frozen
from weighbridge.formats.json import JsonValue, parse_json
from weighbridge.signing.certificate_file import FOREIGN_ERRORS, load_certificate
from weighbridge.signing.certificate_path import TrustStore

ROOT_NAME: Final = "trusted_root.json"
SERVICES_NAME: Final = "signing_config.v0.2.json"

_ROOT_TYPE: Final = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
CONFIG_TYPE: Final = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"

T = TypeVar("T")


class Instance(StrEnum):
    """An instance of Sigstore whose root the installed package has."""

    PUBLIC = "public"
    STAGING = "staging"

    @property
    def url(self) -> str:
        """Where the instance publishes its root, as the package says."""
        return _URLS[self]


_URLS: Final = MappingProxyType(
    {Instance.PUBLIC: DEFAULT_TUF_URL, Instance.STAGING: STAGING_TUF_URL}
)


@frozen
class StampingAuthority:
    """
    A timestamp authority of a root.

    Attributes:
        chain: The authority's certificate, its issuers, and their root.
        store: The same, to verify paths with.
        period: When it was in use.
    """

    chain: tuple[x509.Certificate, ...]
    store: TrustStore
    period: TimeRange


@frozen
class Trust:
    """
    A trusted root, and where to sign where that is known.

    Attributes:
        where: The file it is from, for messages.
        sha256: Lower-case hex SHA-256 of that file.
        root: What it says.
        stamping: The timestamp authorities that it names.
        services: Where to sign; None in a file that does not say.
    """

    where: str
    sha256: str
    root: trustroot.TrustedRoot
    stamping: tuple[StampingAuthority, ...]
    services: trustroot.SigningConfig | None

    def client(self) -> ClientTrustConfig:
        """
        Return the configuration to sign with.

        Raises:
            KeyRejectedError: The file does not say where.
        """
        if self.services is None:
            raise KeyRejectedError(
                "the file does not say where to sign",
                code=Code.TRUSTED_ROOT,
                where=self.where,
                expected="a client trust configuration",
                found="a trusted root",
            )
        return ClientTrustConfig(
            trustroot.ClientTrustConfig(
                media_type=CONFIG_TYPE, trusted_root=self.root, signing_config=self.services
            )
        )

    def log_named(self, log_id: bytes, /, *, at: Sequence[datetime], where: str) -> str:
        """
        Return the address of the transparency log *log_id*, which was in use at the times *at*.

        Raises:
            SignatureRejectedError: The root names no such log, or it was not in use then.
        """
        logs = _logs(self.root.tlogs, log_id, at)
        if not logs:
            raise SignatureRejectedError(
                "the log is not one that the trusted root names for that time",
                code=Code.LOG_ENTRY,
                where=where,
                expected=_named(log.base_url for log in self.root.tlogs),
                found=f"log {log_id.hex()} at {_moments(at)}",
                hint="Give the signer's instance with --trust-config",
            )
        return logs[0].base_url

    def in_use(
        self, *, log_id: bytes, at: Sequence[datetime], certificate: x509.Certificate
    ) -> TrustedRoot:
        """
        Return the part of the root that may vouch for one signature.

        Args:
            log_id: The transparency log that the entry names; not verified.
            at: All times of the signature.
            certificate: The signer's, which names the log of certificates; not verified.
        """
        listed, since = _listing(certificate)
        return TrustedRoot(
            self.root.model_copy(
                update={
                    "tlogs": _logs(self.root.tlogs, log_id, at),
                    "ctlogs": _logs(self.root.ctlogs, listed, since),
                    "certificate_authorities": [
                        authority
                        for authority in self.root.certificate_authorities
                        if all(is_within(moment, authority.valid_for) for moment in at)
                    ],
                }
            )
        )


def packaged_trust(instance: Instance) -> Trust:
    """Return the root of *instance* that the installed `sigstore` package has."""
    return parse_trust(
        read_embedded(ROOT_NAME, instance.url),
        where=f"the {instance} trusted root of the installed sigstore package",
        services=read_embedded(SERVICES_NAME, instance.url),
    )


def parse_trust(
    data: bytes, /, *, where: str, services: bytes | None = None, sha256: str | None = None
) -> Trust:
    """
    Read a trusted root, or a client's trust configuration, which has one in it.

    Args:
        data: The file.
        where: Its name, for messages.
        services: Another file, which says where to sign; for a bare root.
        sha256: The digest that the file has to have, in lower-case hex; compared before anything
            is read.

    Raises:
        KeyRejectedError: It is another file, not of either format, or names nobody to trust.
        LimitExceededError: JSON nested beyond any sense.
    """
    found = hashlib.sha256(data).hexdigest()
    if sha256 is not None and sha256 != found:
        raise KeyRejectedError(
            "the trusted root is another one",
            code=Code.TRUSTED_ROOT,
            where=where,
            expected=f"the SHA-256 digest {sha256}",
            found=found,
            hint="Find out why it changed before you change the policy",
        )
    document = _document(data, where=where)
    kind = document.get("mediaType")
    config: trustroot.SigningConfig | None = None
    if kind == CONFIG_TYPE:
        read = _foreign(where, lambda: trustroot.ClientTrustConfig.from_json(_text(document)))
        root, config = read.trusted_root, read.signing_config
    elif kind == _ROOT_TYPE:
        root = _foreign(where, lambda: trustroot.TrustedRoot.from_json(_text(document)))
        if services is not None:
            config = parse_services(services, where=where)
    else:
        stated = "no media type" if kind is None else f"the media type {str(kind)[:100]!a}"
        raise _unusable(where, found=stated)
    # Fails early where a root has no log or no authority; makes no connection.
    _foreign(where, lambda: Verifier(trusted_root=TrustedRoot(root)))
    _foreign(where, lambda: _check_periods(_periods_of(root, config)))
    return Trust(
        where=where,
        sha256=found,
        root=root,
        stamping=tuple(_stamping(authority, where) for authority in root.timestamp_authorities),
        services=config,
    )


def parse_services(data: bytes, /, *, where: str) -> trustroot.SigningConfig:
    """
    Read where an instance signs.

    Raises:
        KeyRejectedError: The file is not of that format.
    """
    document = _document(data, where=where)
    return _foreign(where, lambda: trustroot.SigningConfig.from_json(_text(document)))


def is_within(moment: datetime, period: TimeRange | None, /) -> bool:
    """Tell whether *moment* lies in *period*, both ends included; a missing one is for ever."""
    if period is None:
        return True
    return period.start <= moment and (period.end is None or moment <= period.end)


def _logs(
    logs: Iterable[trustroot.TransparencyLogInstance], log_id: bytes, at: Sequence[datetime]
) -> list[trustroot.TransparencyLogInstance]:
    return [
        log
        for log in logs
        if log.log_id.key_id == log_id
        and all(is_within(moment, log.public_key.valid_for) for moment in at)
    ]


def _listing(certificate: x509.Certificate) -> tuple[bytes, tuple[datetime, ...]]:
    """Return which log of certificates lists the signer's, and since when; it says so itself."""
    try:
        listed = certificate.extensions.get_extension_for_class(
            x509.PrecertificateSignedCertificateTimestamps
        ).value
    except x509.ExtensionNotFound:
        return b"", ()
    first = next(iter(listed), None)
    if first is None:
        return b"", ()
    # The library's time has no zone; it is UTC (RFC 6962 3.2).
    return first.log_id, (first.timestamp.replace(tzinfo=certificate.not_valid_before_utc.tzinfo),)


def _stamping(authority: trustroot.CertificateAuthority, where: str) -> StampingAuthority:
    certificates = [
        load_certificate(item.raw_bytes, where=where, error=KeyRejectedError)
        for item in authority.cert_chain.certificates
    ]
    store = TrustStore.from_certificates(certificates, where=where)
    return StampingAuthority(chain=tuple(certificates), store=store, period=authority.valid_for)


def _periods_of(
    root: trustroot.TrustedRoot, config: trustroot.SigningConfig | None
) -> list[TimeRange | None]:
    """Return when each log, authority and service is in use."""
    authorities = root.certificate_authorities + root.timestamp_authorities
    periods = [log.public_key.valid_for for log in root.tlogs + root.ctlogs]
    periods += [authority.valid_for for authority in authorities]
    if config is not None:
        services = config.ca_urls + config.oidc_urls + config.rekor_tlog_urls + config.tsa_urls
        periods += [service.valid_for for service in services]
    return periods


def _check_periods(periods: Iterable[TimeRange | None]) -> None:
    """Raise ValueError for a time without a zone, which could not be compared later."""
    for period in periods:
        if period is None:
            continue
        if any(end is not None and end.tzinfo is None for end in (period.start, period.end)):
            raise ValueError("a time without a time zone")


def _document(data: bytes, *, where: str) -> dict[str, JsonValue]:
    if len(data) > MAX_TRUST_FILE_BYTES:
        raise _unusable(where, found=f"{len(data)} bytes, more than {MAX_TRUST_FILE_BYTES}")
    try:
        document = parse_json(data, what=where)
    except MalformedContentError as error:
        raise _unusable(where, found=f"no strict JSON: {error.found or error.message}") from error
    if not isinstance(document, dict):
        raise _unusable(where, found="another kind of JSON")
    return document


def _text(document: JsonValue) -> str:
    """Write *document* again, so that the library reads what was read here."""
    return json.dumps(document)


def _foreign(where: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except (SigstoreError, *FOREIGN_ERRORS) as error:
        lines = str(error).splitlines()
        raise _unusable(where, found=": ".join(lines[:3])[:200] or type(error).__name__) from error


def _unusable(where: str, *, found: str) -> KeyRejectedError:
    return KeyRejectedError(
        "the trusted root cannot be used",
        code=Code.TRUSTED_ROOT,
        where=where,
        expected="a trusted root 0.1 or a client trust configuration 0.1 of Sigstore, in JSON",
        found=found,
    )


def _named(items: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(items)) or "none"


def _moments(at: Sequence[datetime]) -> str:
    return ", ".join(f"{moment:%Y-%m-%d %H:%M:%S} UTC" for moment in at)
