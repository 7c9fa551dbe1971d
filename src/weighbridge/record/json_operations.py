"""JSON documents about what was done rather than about an artifact; frozen by tests."""

from collections.abc import Sequence
from typing import Protocol

from weighbridge.core.digest import Digest
from weighbridge.core.errors import WeighbridgeError
from weighbridge.core.identity import KeyIdentity, SigningMethod
from weighbridge.record.json_v1 import Document
from weighbridge.record.signed import ManifestLine, ReuseLine


class CapabilityLine(Protocol):
    """What is there or missing; see `pipeline.installation.Capability`."""

    @property
    def name(self) -> str:
        """What."""
        ...

    @property
    def present(self) -> bool:
        """Whether it is there."""
        ...

    @property
    def detail(self) -> str:
        """A version, a number, or what to do."""
        ...


class EngineLine(Protocol):
    """What an engine does here; see `pipeline.installation.EngineReport`."""

    @property
    def engine(self) -> str:
        """Its name."""
        ...

    @property
    def works(self) -> bool:
        """Whether programs can be run behind it."""
        ...

    @property
    def named(self) -> bool:
        """Whether it has to be named to be taken."""
        ...

    @property
    def version(self) -> str | None:
        """Of what it is made with."""
        ...

    @property
    def walls(self) -> tuple[str, ...]:
        """What it holds."""
        ...

    @property
    def missing(self) -> tuple[tuple[str, str], ...]:
        """What it does not, with the reasons."""
        ...

    @property
    def cannot(self) -> tuple[tuple[str, str], ...]:
        """What a rule may demand and is refused, with the reasons."""
        ...

    @property
    def remedies(self) -> tuple[str, ...]:
        """What to install or to set."""
        ...


def signed_document(
    *,
    path: str,
    method: SigningMethod,
    files: int,
    root: Digest,
    left_out: Sequence[str],
    reuse: ReuseLine | None = None,
    manifest: ManifestLine | None = None,
    remembered: int | None = None,
) -> Document:
    """Return the document of `sign`: schema `weighbridge.signed/v1`."""
    return {
        "schema": "weighbridge.signed/v1",
        "signature": path,
        "method": method.value,
        "files": files,
        "digest": {"oms": str(root)},
        "left_out": list(left_out),
        "reuse": None if reuse is None else _reuse(reuse),
        "manifest": None if manifest is None else _manifest(manifest),
        "remembered": remembered,
    }


def _reuse(reuse: ReuseLine) -> Document:
    return {
        "signature": str(reuse.signature),
        "signed_by": reuse.identity.label,
        "taken": list(reuse.taken),
        "unchanged": list(reuse.unchanged),
        "changed": list(reuse.changed),
        "added": list(reuse.added),
        "removed": list(reuse.removed),
    }


def _manifest(manifest: ManifestLine) -> Document:
    return {
        "path": str(manifest.manifest),
        "compared": list(manifest.compared),
        "taken": list(manifest.taken),
        "unstated": list(manifest.unstated),
    }


def key_document(*, private: str, public: str, identity: KeyIdentity, encrypted: bool) -> Document:
    """Return the document of `keygen`: schema `weighbridge.key/v1`."""
    return {
        "schema": "weighbridge.key/v1",
        "private_key": private,
        "public_key": public,
        "encrypted": encrypted,
        "fingerprint": identity.fingerprint,
        "curve": identity.curve,
    }


def error_document(error: WeighbridgeError) -> Document:
    """Return the document of an operation that failed: schema `weighbridge.error/v1`."""
    return {
        "schema": "weighbridge.error/v1",
        "code": str(error.code),
        "message": error.message,
        "where": error.where,
        "expected": error.expected,
        "found": error.found,
        "hint": error.hint,
    }


def capabilities_document(
    lines: Sequence[CapabilityLine], engines: Sequence[EngineLine]
) -> Document:
    """Return the document of `doctor`: schema `weighbridge.doctor/v1`."""
    return {
        "schema": "weighbridge.doctor/v1",
        "capabilities": [
            {"name": line.name, "present": line.present, "detail": line.detail} for line in lines
        ],
        "isolation": [
            {
                "engine": each.engine,
                "works": each.works,
                "named": each.named,
                "version": each.version,
                "walls": [*each.walls],
                "missing": [{"wall": wall, "reason": reason} for wall, reason in each.missing],
                "cannot": [{"key": key, "reason": reason} for key, reason in each.cannot],
                "remedies": [*each.remedies],
            }
            for each in engines
        ],
    }
