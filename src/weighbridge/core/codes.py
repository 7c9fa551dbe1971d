"""
The stable codes of errors and reasons.

A code never changes its meaning and is never reused. `docs/errors.md` has one section per
code; a test holds the two equal. `weighbridge explain CODE` prints the section. Rule ids
(`scan/rules`) live in the same name space and are catalogued in `docs/rules.md`.
"""

from enum import StrEnum
from typing import Final


class Code(StrEnum):
    """Why an operation failed or a verdict is not allow; kebab-case, at the end of messages."""

    # usage and environment
    USAGE = "usage"
    REFERENCE_NOT_FOUND = "reference-not-found"
    REFERENCE_UNSUPPORTED = "reference-unsupported"
    NOTHING_TO_CHECK = "nothing-to-check"
    METHOD_UNAVAILABLE = "method-unavailable"
    EXTRA_MISSING = "extra-missing"
    IO_FAILED = "io-failed"
    OUTPUT_EXISTS = "output-exists"
    STORE_UNUSABLE = "store-unusable"
    INTERNAL = "internal"

    # inventory
    NAME_NOT_UTF8 = "name-not-utf8"
    NAME_NOT_CANONICAL = "name-not-canonical"
    SYMLINK_REFUSED = "symlink-refused"
    SYMLINK_DIRECTORY = "symlink-directory"
    SYMLINK_BROKEN = "symlink-broken"
    SPECIAL_FILE = "special-file"
    EMPTY_DIRECTORY = "empty-directory"
    FILE_CHANGED = "file-changed"
    FILE_UNREADABLE = "file-unreadable"
    LIMIT_EXCEEDED = "limit-exceeded"

    # signatures
    SIGNATURE_MISSING = "signature-missing"
    SIGNATURE_MALFORMED = "signature-malformed"
    SIGNATURE_INVALID = "signature-invalid"
    SIGNATURE_COUNT = "signature-count"
    SIGNATURE_METHOD = "signature-method"
    STATEMENT_MALFORMED = "statement-malformed"
    PREDICATE_UNSUPPORTED = "predicate-unsupported"
    LEGACY_REFUSED = "legacy-refused"
    RESOURCE_NAME = "resource-name"
    RESOURCE_DUPLICATE = "resource-duplicate"
    ROOT_DIGEST_MISMATCH = "root-digest-mismatch"
    DIGEST_MISMATCH = "digest-mismatch"
    FILE_MISSING = "file-missing"
    FILE_NOT_COVERED = "file-not-covered"
    ZERO_BYTE_IN_SHARDS = "zero-byte-in-shards"
    MANIFEST_MALFORMED = "manifest-malformed"
    MANIFEST_MISMATCH = "manifest-mismatch"
    KEY_MALFORMED = "key-malformed"
    KEY_UNSUPPORTED = "key-unsupported"
    KEY_MISMATCH = "key-mismatch"
    PASSWORD = "key-password"  # noqa: S105  a code, not a password
    TOKEN_URI = "token-uri"  # noqa: S105  a code, not a password
    TOKEN_OBJECT = "token-object"  # noqa: S105
    TOKEN_FAILED = "token-failed"  # noqa: S105
    CERTIFICATE_MALFORMED = "certificate-malformed"
    CERTIFICATE_UNTRUSTED = "certificate-untrusted"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_USAGE = "certificate-usage"
    KEY_EXPIRED = "key-expired"
    TIMESTAMP_FAILED = "timestamp-failed"
    TIMESTAMP_REQUIRED = "timestamp-required"
    IDENTITY_REQUIRED = "identity-required"
    IDENTITY_MISMATCH = "identity-mismatch"
    IDENTITY_TOKEN = "identity-token"  # noqa: S105  a code, not a token
    LOG_ENTRY = "log-entry"
    TRUSTED_ROOT = "trusted-root"
    SERVICE_FAILED = "service-failed"

    # claims
    CLAIM_MALFORMED = "claim-malformed"
    CLAIM_UNKNOWN = "claim-unknown"
    CLAIM_UNTRUSTED = "claim-untrusted"
    CLAIM_UNBOUND = "claim-unbound"
    PROVENANCE_MISSING = "provenance-missing"
    PROVENANCE_UNBOUND = "provenance-unbound"
    PROVENANCE_BUILDER = "provenance-builder"
    PROVENANCE_LEVEL = "provenance-level"
    PROVENANCE_BUILD_TYPE = "provenance-build-type"
    PROVENANCE_PARAMETER = "provenance-parameter"
    PROVENANCE_SOURCE = "provenance-source"

    # recorded steps
    STEP_FAILED = "step-failed"
    STEP_UNOBSERVED = "step-unobserved"
    INPUT_CHANGED = "input-changed"
    INPUT_UNDECLARED = "input-undeclared"
    ISOLATION_UNAVAILABLE = "isolation-unavailable"
    SOURCE_MISMATCH = "source-mismatch"

    # scanning (gaps; findings carry rule ids)
    SCAN_UNSUPPORTED = "scan-unsupported"
    SCAN_MALFORMED = "scan-malformed"
    SCAN_LIMIT = "scan-limit"
    SCAN_TIMEOUT = "scan-timeout"
    SCAN_CRASHED = "scan-crashed"
    SCANNER_MISSING = "scanner-missing"
    SCANNER_FAILED = "scanner-failed"
    SCANNER_INCOMPLETE = "scanner-incomplete"
    SCANNER_DISAGREES = "scanner-disagrees"

    # policy and verdict
    POLICY_MALFORMED = "policy-malformed"
    POLICY_NO_MATCH = "policy-no-match"
    POLICY_DENIED = "policy-denied"
    POLICY_INDETERMINATE = "policy-indeterminate"
    POLICY_UNSUPPORTED = "policy-unsupported"
    FORMAT_REFUSED = "format-refused"
    FORMAT_EXECUTABLE = "format-executable"
    SUFFIX_LIES = "suffix-lies"
    REMOTE_CODE = "remote-code"
    STAMPS_TRUSTED = "stamps-trusted"
    PARTS_TRUSTED = "parts-trusted"
    SUPPRESSION_EXPIRED = "suppression-expired"
    EVIDENCE_INCOMPLETE = "evidence-incomplete"
    SIGNER_THRESHOLD = "signer-threshold"
    UNCOVERED_FILE = "uncovered-file"
    LINEAGE_MISSING = "lineage-missing"
    LINEAGE_NO_INPUTS = "lineage-no-inputs"
    LINEAGE_NO_RULE = "lineage-no-rule"
    LINEAGE_SIGNER = "lineage-signer"
    LINEAGE_PARENT = "lineage-parent"
    LINEAGE_BASE = "lineage-base"
    LINEAGE_UNBOUND = "lineage-unbound"
    LINEAGE_DEPTH = "lineage-depth"
    LINEAGE_CYCLE = "lineage-cycle"
    RECEIPT_ACCEPTED = "receipt-accepted"
    RECEIPT_REFUSED = "receipt-refused"
    RECEIPT_MISSING = "receipt-missing"
    ALLOWED = "allowed"

    # loading
    LOAD_FORMAT = "load-format"
    LOAD_MALFORMED = "load-malformed"
    LOAD_REFUSED = "load-refused"
    ISOLATED_ENDED = "isolated-ended"
    ISOLATED_TIMEOUT = "isolated-timeout"
    ISOLATED_MALFORMED = "isolated-malformed"
    ARTIFACT_CLOSED = "artifact-closed"
    CONVERT_REFUSED = "convert-refused"
    GUARD_DENIED = "guard-denied"


NOT_THIS_SIGNER: Final = frozenset(
    {
        Code.CERTIFICATE_UNTRUSTED,
        Code.IDENTITY_MISMATCH,
        Code.KEY_MISMATCH,
        Code.SIGNATURE_METHOD,
    }
)
"""Refusals of a signature that say only that somebody else than the expected one signed."""
