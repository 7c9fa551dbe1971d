"""
JSON, version 1: frozen. Members are added, never renamed, retyped or removed.

The documents are built member by member and are no dumps of core types. Strings in them are
the artifact's own words and hold whatever it says; `render_json` escapes all but ASCII.
"""

import json
from collections import Counter
from typing import Final

from weighbridge.core.artifact import ArtifactDigests, FileEntry, carries
from weighbridge.core.digest import HashLayout
from weighbridge.core.evidence import (
    Consulted,
    Finding,
    Gap,
    OtherSignature,
    ProvenanceEvidence,
    Severity,
    SignatureEvidence,
    Uncovered,
    Verification,
)
from weighbridge.core.identity import KeyIdentity, SigstoreIdentity, VerifiedIdentity
from weighbridge.core.verdict import Reason, Verdict
from weighbridge.record.inspection import Inspected, SignatureClaim
from weighbridge.record.json_lineage import lineage_document
from weighbridge.sandbox.interface import Confinement
from weighbridge.scan.need import Need
from weighbridge.scan.report import ScanReport

JsonValue = None | bool | int | str | list["JsonValue"] | dict[str, "JsonValue"]
Document = dict[str, JsonValue]

VERDICT: Final = "weighbridge.verdict/v1"
SCAN: Final = "weighbridge.scan/v1"
INSPECTION: Final = "weighbridge.inspection/v1"
SIGNATURE: Final = "weighbridge.signature/v1"
DIGEST: Final = "weighbridge.digest/v1"


def render_json(document: Document, *, one_line: bool = False) -> str:
    """Return *document* as ASCII JSON that ends with a newline."""
    return json.dumps(document, indent=None if one_line else 2) + "\n"


def verdict_document(verdict: Verdict) -> Document:
    """Return the document of a check."""
    return {
        "schema": VERDICT,
        "decision": str(verdict.decision),
        "artifact": _artifact(verdict.artifact),
        "policy": {
            "path": verdict.policy.path,
            "sha256": verdict.policy.sha256,
            "rule": verdict.policy.rule,
        },
        "boundary": verdict.boundary,
        "reasons": [_reason(reason) for reason in verdict.reasons],
        "signers": [_signer(signer) for signer in verdict.signers],
        "provenance": [_provenance(item) for item in verdict.provenance],
        "lineage": None if verdict.lineage is None else lineage_document(verdict.lineage),
        "covered": list(verdict.covered),
        "uncovered": [item.path for item in verdict.uncovered],
        "uncovered_reasons": _uncovered_reasons(verdict.uncovered),
    }


def scan_document(report: ScanReport, *, bar: Severity) -> Document:
    """Return the document of a scan; findings below *bar* are listed and do not count."""
    inventory = report.inventory
    statuses = report.statuses
    return {
        "schema": SCAN,
        "artifact": {"name": inventory.name, "kind": str(inventory.kind)},
        "verdict": str(report.verdict_at(bar)),
        "fail_on": str(bar),
        "files": [
            {
                "path": entry.path,
                "size": entry.size,
                "format": None if entry.format is None else str(entry.format),
                "status": str(statuses[entry.path]),
            }
            for entry in inventory.entries
        ],
        "findings": [_finding(finding) for finding in report.findings],
        "gaps": [_gap(gap) for gap in report.gaps],
        "scanners": [_scanner(answer) for answer in report.consulted],
        "members": report.members,
        "confinement": confinement_document(report.confinement),
        **_needs(report.needs),
    }


def confinement_document(kept: Confinement | None, /) -> JsonValue:
    """Return what processes that read hostile files were kept to; None where there was none."""
    if kept is None:
        return None
    return {
        "complete": kept.is_complete,
        "enforced": [str(measure) for measure in sorted(kept.enforced)],
        "refused": [
            {"measure": str(measure), "reason": reason} for measure, reason in kept.refused
        ],
    }


def _needs(needs: tuple[Need, ...] | None) -> Document:
    """Return the member about names, where somebody asked for it."""
    if needs is None:
        return {}
    return {
        "globals": [
            {
                "path": need.path,
                "member": need.member,
                "name": need.name,
                "count": need.count,
                "status": str(need.status),
                "pack": need.pack,
            }
            for need in needs
        ]
    }


def inspection_document(inspected: Inspected) -> Document:
    """Return the document of an inspection."""
    inventory = inspected.inventory
    return {
        "schema": INSPECTION,
        "artifact": {
            "name": inventory.name,
            "kind": str(inventory.kind),
            "digest": None if inspected.digests is None else _digests(inspected.digests),
        },
        "files": [_file(entry) for entry in inventory.entries],
        "empty_directories": list(inventory.empty_directories),
        "gaps": [_gap(gap) for gap in inventory.gaps],
        "claimed_signature": _claim(inspected.signature),
        "claimed_signatures": [_claim(each) for each in inspected.signatures],
    }


def signature_document(verification: Verification) -> Document:
    """Return the document of a verification; what is said once is the first signature's."""
    first = verification.first
    return {
        "schema": SIGNATURE,
        "verified": True,
        **_signer(first),
        "claimed_subject": first.subject.text,
        "claimed_ignore_paths": list(first.claimed_ignores),
        "covered": list(verification.covered),
        "uncovered": [item.path for item in verification.uncovered],
        "uncovered_reasons": _uncovered_reasons(verification.uncovered),
        "signers": verification.signers,
        "signatures": [_signature(each) for each in verification.signatures],
        "other_signatures": [_other(each) for each in verification.others],
    }


def _signature(evidence: SignatureEvidence) -> Document:
    """Return one of several signatures: who, when, on what trust, and each file."""
    files: list[JsonValue] = [
        {
            "path": path,
            "covered": True,
            "digest": str(digest.whole) if digest.layout.shard_size is None else None,
            "shards": len(digest.parts),
            "reason": None,
        }
        for path, digest in zip(evidence.covered, evidence.digests, strict=False)
    ]
    files += [
        {
            "path": item.path,
            "covered": False,
            "digest": None,
            "shards": 0,
            "reason": item.reason,
        }
        for item in evidence.uncovered
    ]
    return {
        **_signer(evidence),
        "claimed_subject": evidence.subject.text,
        "claimed_ignore_paths": list(evidence.claimed_ignores),
        "files": files,
    }


def _other(other: OtherSignature) -> Document:
    return {
        "path": other.path,
        "sha256": None if other.sha256 is None else other.sha256.hex,
        "code": None if other.code is None else str(other.code),
        "reason": other.reason,
    }


def digest_document(digests: ArtifactDigests) -> Document:
    """Return the document of the digests that name an artifact."""
    return {"schema": DIGEST, "artifact": _artifact(digests)}


def _artifact(digests: ArtifactDigests | None) -> Document | None:
    if digests is None:
        return None
    return {"name": digests.name, "digest": _digests(digests)}


def _digests(digests: ArtifactDigests) -> Document:
    names = None if digests.names is None else str(digests.names)
    return {"oms": str(digests.oms), "names": names}


def _reason(reason: Reason) -> Document:
    return {
        "code": reason.code,
        "severity": None if reason.severity is None else str(reason.severity),
        "path": reason.path,
        "message": reason.message,
        "decision": str(reason.decision),
    }


def _signer(evidence: SignatureEvidence) -> Document:
    return {
        "trust": evidence.trust,
        "identity": _identity(evidence.identity),
        "signature": {
            "path": evidence.signature_path,
            "sha256": evidence.signature_sha256.hex,
        },
        "root": str(evidence.root),
        "hash": _layout(evidence.layout),
        "trusted_root": evidence.identity.trusted_root,
        "times": [
            {"at": time.at.isoformat(), "clock": str(time.clock), "authority": time.authority}
            for time in evidence.times
        ],
        "unused_timestamps": list(evidence.unused_timestamps),
        "verified_at": evidence.verified_at.isoformat(),
    }


def _identity(identity: VerifiedIdentity) -> Document:
    if isinstance(identity, KeyIdentity):
        return {
            "method": "key",
            "label": identity.label,
            "fingerprint": identity.fingerprint,
            "curve": identity.curve,
        }
    if isinstance(identity, SigstoreIdentity):
        return {
            "method": "sigstore",
            "label": identity.label,
            "fingerprint": identity.fingerprint,
            "name": identity.name,
            "issuer": identity.issuer,
            "claims": dict(identity.claims),
            "not_before": identity.not_before.isoformat(),
            "not_after": identity.not_after.isoformat(),
            "trusted_root": identity.trusted_root,
            "log": {"id": identity.log_id, "index": identity.log_index},
        }
    return {
        "method": "certificate",
        "label": identity.label,
        "fingerprint": identity.fingerprint,
        "root_fingerprint": identity.root_fingerprint,
        "subject": identity.subject,
        "issuer": identity.issuer,
        "san_uris": list(identity.san_uris),
        "san_emails": list(identity.san_emails),
        "san_dns": list(identity.san_dns),
        "not_before": identity.not_before.isoformat(),
        "not_after": identity.not_after.isoformat(),
        "expected": identity.expected,
    }


def _layout(layout: HashLayout) -> Document:
    return {"algorithm": str(layout.algorithm), "shard_size": layout.shard_size}


def _provenance(evidence: ProvenanceEvidence) -> Document:
    return {
        "signer": _identity(evidence.signer),
        "trust": evidence.trust,
        "builder": evidence.builder_id,
        "builder_name": evidence.builder,
        "level": evidence.level,
        "build_type": evidence.build_type,
        "predicate_type": evidence.predicate_type,
        "subjects": [str(subject) for subject in evidence.subjects],
        "source": evidence.source,
        "invocation_id": evidence.invocation_id,
        "claim": evidence.claim,
        "notes": list(evidence.notes),
    }


def _uncovered_reasons(uncovered: tuple[Uncovered, ...]) -> list[JsonValue]:
    counts = Counter(item.reason for item in uncovered)
    return [{"reason": reason, "files": count} for reason, count in sorted(counts.items())]


def _finding(finding: Finding) -> Document:
    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "confidence": str(finding.confidence),
        "path": finding.path,
        "member": finding.member,
        "offset": finding.offset,
        "message": finding.message,
        "evidence": list(finding.evidence),
    }


def _gap(gap: Gap) -> Document:
    return {
        "stage": str(gap.stage),
        "code": str(gap.code),
        "path": gap.path,
        "member": gap.member,
        "reason": gap.reason,
    }


def _scanner(answer: Consulted) -> Document:
    return {
        "name": answer.scanner,
        "version": answer.version,
        "finished": answer.finished,
        "findings": answer.findings,
        "alone": list(answer.alone),
        "silent": list(answer.silent),
        "offline": answer.offline,
    }


def _file(entry: FileEntry) -> Document:
    return {
        "path": entry.path,
        "size": entry.size,
        "role": str(entry.role),
        "format": None if entry.format is None else str(entry.format),
        "carries": None if entry.format is None else str(carries(entry.format)),
        "suffix_format": None if entry.suffix_format is None else str(entry.suffix_format),
        "symlink": entry.through_symlink,
        "sha256": None if entry.sha256 is None else entry.sha256.hex,
    }


def _claim(signature: SignatureClaim | None) -> Document | None:
    if signature is None:
        return None
    return {
        "path": signature.path,
        "method": None if signature.method is None else str(signature.method),
        "subject": None if signature.subject is None else signature.subject.text,
        "files": signature.files,
        "problem": signature.problem,
    }
