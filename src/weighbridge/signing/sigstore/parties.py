"""Whom a trusted root names, one by one: to be shown, and to tell what a refresh changed."""

import hashlib
from collections.abc import Iterator
from datetime import datetime

from sigstore_models.common.v1 import TimeRange
from sigstore_models.trustroot import v1 as trustroot

from weighbridge.core.values import frozen
from weighbridge.signing.sigstore.trust import Trust


@frozen
class Party:
    """
    An authority or a log that a trusted root names.

    Attributes:
        role: What it is trusted for.
        name: Its address.
        key: Hex SHA-256 of the log's key, or of the authority's first certificate.
        since: From when on; None for ever before.
        until: Until when; None where it is in use.
    """

    role: str
    name: str
    key: str
    since: datetime | None
    until: datetime | None

    @property
    def description(self) -> str:
        """One line for people."""
        since = "" if self.since is None else f" from {self.since:%Y-%m-%d}"
        until = "" if self.until is None else f" until {self.until:%Y-%m-%d}"
        return f"{self.role} {self.name} (sha256:{self.key[:16]}){since}{until}"


def parties_of(trust: Trust, /) -> tuple[Party, ...]:
    """Return everybody whom *trust* names, in the order of roles, names and times."""
    root = trust.root
    found = [
        *_authorities("certificate authority", root.certificate_authorities),
        *_logs("certificate log", root.ctlogs),
        *_logs("transparency log", root.tlogs),
        *_authorities("timestamp authority", root.timestamp_authorities),
    ]
    return tuple(sorted(found, key=lambda p: (p.role, p.name, str(p.since), p.key)))


def changes_between(before: Trust, after: Trust, /) -> tuple[str, ...]:
    """Return what is different in *after*, one line each; empty where everybody is the same."""
    old = {(p.role, p.key): p for p in parties_of(before)}
    new = {(p.role, p.key): p for p in parties_of(after)}
    lines = [f"added   {new[key].description}" for key in new if key not in old]
    lines += [f"removed {old[key].description}" for key in old if key not in new]
    lines += [
        f"changed {old[key].description} -> {new[key].description}"
        for key in new
        if key in old and old[key] != new[key]
    ]
    return tuple(lines)


def _authorities(role: str, authorities: list[trustroot.CertificateAuthority]) -> Iterator[Party]:
    for authority in authorities:
        since, until = _ends(authority.valid_for)
        yield Party(
            role=role,
            name=authority.uri or authority.subject.common_name,
            key=hashlib.sha256(authority.cert_chain.certificates[0].raw_bytes).hexdigest(),
            since=since,
            until=until,
        )


def _logs(role: str, logs: list[trustroot.TransparencyLogInstance]) -> Iterator[Party]:
    for log in logs:
        since, until = _ends(log.public_key.valid_for)
        yield Party(
            role=role,
            name=log.base_url,
            key=hashlib.sha256(log.public_key.raw_bytes or b"").hexdigest(),
            since=since,
            until=until,
        )


def _ends(period: TimeRange | None) -> tuple[datetime | None, datetime | None]:
    return (None, None) if period is None else (period.start, period.end)
