"""A trusted root of keyless signatures, and what a refresh changed, for people and programs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from weighbridge.core.errors import one_line
from weighbridge.record.json_v1 import Document


class PartyLine(Protocol):
    """An authority or a log; see `signing.sigstore.parties.Party`."""

    @property
    def role(self) -> str:
        """What it is trusted for."""
        ...

    @property
    def name(self) -> str:
        """Its address."""
        ...

    @property
    def key(self) -> str:
        """Hex SHA-256 of its key or certificate."""
        ...

    @property
    def since(self) -> datetime | None:
        """From when on."""
        ...

    @property
    def until(self) -> datetime | None:
        """Until when."""
        ...

    @property
    def description(self) -> str:
        """One line for people."""
        ...


def root_text(*, where: str, sha256: str, parties: Sequence[PartyLine]) -> str:
    """Return a trusted root for people."""
    lines = [f"trusted root  {one_line(where)}", f"sha256        {sha256}"]
    lines += [f"  {one_line(party.description)}" for party in parties]
    return "\n".join(lines)


def refresh_text(*, path: str, sha256: str, before: str | None, changes: Sequence[str]) -> str:
    """Return for people what a refresh changed."""
    lines = [f"trusted root  {one_line(path)}", f"sha256        {sha256}"]
    if before == sha256:
        lines.append("unchanged")
    else:
        lines.append(f"before        {before or 'none'}")
        lines += [f"  {one_line(change)}" for change in changes] or ["  names the same parties"]
    return "\n".join(lines)


def root_document(
    *,
    where: str,
    sha256: str,
    parties: Sequence[PartyLine],
    before: str | None = None,
    changes: Sequence[str] = (),
) -> Document:
    """Return the document of `trust`: schema `weighbridge.trust/v1`."""
    return {
        "schema": "weighbridge.trust/v1",
        "trusted_root": where,
        "sha256": sha256,
        "before": before,
        "changes": list(changes),
        "parties": [
            {
                "role": party.role,
                "name": party.name,
                "key": party.key,
                "since": None if party.since is None else party.since.isoformat(),
                "until": None if party.until is None else party.until.isoformat(),
            }
            for party in parties
        ],
    }
