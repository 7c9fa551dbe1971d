"""Reading of one `[[rule]]`; references to trust entries and builders are checked by `schema`."""

import re
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.evidence import Severity
from weighbridge.core.limits.policy import (
    MAX_POLICY_SIGNERS,
)
from weighbridge.core.limits.scanning import MAX_OTHER_SCANNERS
from weighbridge.policy.format_groups import FORMAT_NAMES, expand_format
from weighbridge.policy.isolation_reader import read_isolation
from weighbridge.policy.origin_reader import (
    BOUNDARY,
    read_lineage,
    read_parts,
    read_provenance,
    read_receipt,
)
from weighbridge.policy.rule import (
    ANY_BOUNDARY,
    Approval,
    FormatControl,
    OnGap,
    RemoteCode,
    Rule,
    ScanControl,
    SignatureControl,
    Stamps,
    SuffixLies,
    Suppression,
    Symlinks,
    UncoveredFiles,
)
from weighbridge.policy.table import Table, quote

REMOTE_CODE_PREFIX: Final = "remote-code"
"""Findings whose rule id starts so belong to the control `remote-code`, not to `scan`."""

_RULE_ID: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*(?::[A-Za-z0-9][A-Za-z0-9._-]*)?")
_GLOBAL: Final = re.compile(r"[A-Za-z_]\w{0,255}(?:[.:][A-Za-z_]\w{0,255}){1,31}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_NEVER_SUPPRESSED: Final = frozenset(
    {
        Code.SCAN_MALFORMED,
        Code.SCAN_LIMIT,
        Code.SCAN_TIMEOUT,
        Code.SCAN_CRASHED,
        Code.SCANNER_MISSING,
        Code.SCANNER_FAILED,
        Code.SCANNER_INCOMPLETE,
    }
)


def read_rule(table: Table, *, index: int) -> Rule:
    """
    Read one rule.

    The value is complete even where problems were recorded; it must not be used then.
    """
    remote_code, digests = _read_remote_code(table)
    rule = Rule(
        index=index,
        line=table.line,
        name=table.text("name", required=False),
        description=table.text("description", required=False),
        match=table.globs("match"),
        boundary=_read_boundary(table),
        formats=_read_formats(table),
        remote_code=remote_code,
        remote_code_digests=digests,
        scan=_read_scan(table),
        signature=_read_signature(table),
        provenance=read_provenance(table),
        lineage=read_lineage(table),
        receipt=read_receipt(table),
        parts=read_parts(table),
        isolation=read_isolation(table),
        symlinks=table.choice("symlinks", Symlinks, default=Symlinks.DENY),
        suffix_lies=table.choice("suffix-lies", SuffixLies, default=SuffixLies.DENY),
        stamps=table.choice("stamps", Stamps, default=Stamps.IGNORE),
    )
    table.finish()
    return rule


def _read_boundary(table: Table) -> tuple[str, ...]:
    boundaries = table.texts("boundary")
    for place, boundary in enumerate(boundaries):
        if boundary == ANY_BOUNDARY:
            if len(boundaries) > 1:
                table.problem("'boundary': '*' stands alone", key="boundary", index=place)
        elif BOUNDARY.fullmatch(boundary) is None:
            table.problem(
                f"'boundary': expected a name such as deploy (a-z 0-9 -) or '*' alone, "
                f"found {quote(boundary)}",
                key="boundary",
                index=place,
            )
    return boundaries


def _read_formats(rule: Table) -> FormatControl:
    table = rule.table("formats")
    if table is None:
        return FormatControl()
    allow = _read_format_names(table, "allow")
    deny = _read_format_names(table, "deny")
    for name in deny:
        if name in allow:
            table.problem(f"{quote(name)} is both allowed and denied", key="deny")
    control = FormatControl(
        allow=_expand(allow) if table.has("allow") else None,
        verbatim=frozenset(FileFormat(name) for name in allow if name in set(FileFormat)),
        deny=_expand(deny),
        deny_executable=table.flag("deny-executable", default=True),
        allow_names=allow,
        deny_names=deny,
    )
    table.finish()
    return control


def _read_format_names(table: Table, key: str) -> tuple[str, ...]:
    names = table.texts(key, required=False)
    for place, name in enumerate(names):
        if name not in FORMAT_NAMES:
            valid = ", ".join(FORMAT_NAMES)
            message = f"'{key}': no format is called {quote(name)}; there are {valid}"
            table.problem(message, key=key, index=place)
    return tuple(name for name in names if name in FORMAT_NAMES)


def _expand(names: tuple[str, ...]) -> frozenset[FileFormat]:
    return frozenset[FileFormat]().union(*(expand_format(name) for name in names))


def _read_remote_code(table: Table) -> tuple[RemoteCode, frozenset[Digest]]:
    mode = table.choice("remote-code", RemoteCode, default=RemoteCode.DENY)
    digests: set[Digest] = set()
    texts = table.texts("remote-code-digests", required=False)
    for place, text in enumerate(texts):
        digest = _parse_sha256(table, "remote-code-digests", text, index=place)
        if digest is not None:
            digests.add(digest)
    if mode is RemoteCode.PINNED and not table.has("remote-code-digests"):
        table.problem(
            "remote-code = \"pinned\" needs 'remote-code-digests', the SHA-256 of each file",
            key="remote-code",
        )
    if mode is not RemoteCode.PINNED and table.has("remote-code-digests"):
        message = "'remote-code-digests' has a meaning only with remote-code = \"pinned\""
        table.problem(message, key="remote-code-digests")
    return mode, frozenset(digests)


def _read_scan(rule: Table) -> ScanControl:
    table = rule.table("scan")
    if table is None:
        return ScanControl()
    suppressions = tuple(
        _read_suppression(entry)
        for entry in table.tables("suppress", noun=f"{rule.name}: suppression")
    )
    approvals = tuple(
        _read_approval(entry) for entry in table.tables("approve", noun=f"{rule.name}: approval")
    )
    control = ScanControl(
        fail_on=table.choice("fail-on", Severity, default=Severity.MEDIUM),
        on_gap=table.choice("on-gap", OnGap, default=OnGap.DENY),
        also=_read_also(table),
        cache=table.flag("cache", default=False),
        suppress=tuple(s for s in suppressions if s is not None),
        approve=tuple(a for a in approvals if a is not None),
    )
    table.finish()
    return control


def _read_also(table: Table) -> tuple[str, ...]:
    also = table.texts("also", required=False)
    if len(also) > MAX_OTHER_SCANNERS:
        table.problem(f"'also': more than {MAX_OTHER_SCANNERS} scanners", key="also")
    return also


def _read_suppression(table: Table) -> Suppression | None:
    rule = table.text("rule")
    path = table.glob("path")
    member = table.glob("member", required=False)
    digest = _read_optional_sha256(table)
    reason = table.text("reason")
    expires = table.day("expires")
    table.finish()
    if rule is not None:
        _check_suppressed_rule(table, rule)
    if path is not None and path.is_unbounded:
        message = f"'path': {quote(path.pattern)} stands for every file; name some"
        table.problem(message, key="path")
    if rule is None or path is None or reason is None or expires is None:
        return None
    return Suppression(
        rule=rule, path=path, member=member, sha256=digest, reason=reason, expires=expires
    )


def _read_approval(table: Table) -> Approval | None:
    text = table.text("sha256")
    digest = None if text is None else _parse_sha256(table, "sha256", text)
    names = table.texts("globals")
    for place, name in enumerate(names):
        if _GLOBAL.fullmatch(name) is None:
            message = (
                f"'globals': expected a name such as package.module.Class, found {quote(name)}"
            )
            table.problem(message, key="globals", index=place)
    reason = table.text("reason")
    expires = table.day("expires")
    table.finish()
    if digest is None or reason is None or expires is None:
        return None
    return Approval(sha256=digest, globals=frozenset(names), reason=reason, expires=expires)


def _check_suppressed_rule(table: Table, rule: str) -> None:
    if _RULE_ID.fullmatch(rule) is None:
        message = f"'rule': expected one rule id such as pickle-global, found {quote(rule)}"
        table.problem(message, key="rule")
    elif rule in _NEVER_SUPPRESSED:
        message = (
            f"'rule': {rule} means that something could not be examined; it cannot be suppressed"
        )
        table.problem(message, key="rule")
    elif rule.startswith(REMOTE_CODE_PREFIX):
        message = f"'rule': {rule} is not suppressed but pinned: remote-code = \"pinned\""
        table.problem(message, key="rule")


def _read_optional_sha256(table: Table) -> Digest | None:
    text = table.text("sha256", required=False)
    return None if text is None else _parse_sha256(table, "sha256", text)


def _parse_sha256(table: Table, key: str, text: str, *, index: int | None = None) -> Digest | None:
    if _SHA256.fullmatch(text) is None:
        message = f"'{key}': expected 64 lower-case hexadecimal digits, found {quote(text)}"
        table.problem(message, key=key, index=index)
        return None
    return Digest(HashAlgorithm.SHA256, bytes.fromhex(text))


def _read_signature(rule: Table) -> SignatureControl:
    if not rule.has("signature"):
        rule.problem(
            "'signature' is missing: say who has to sign, or signature = { required = false }"
        )
    table = rule.table("signature")
    if table is None:
        return SignatureControl(required=True)
    required = table.flag("required", default=True)
    if not required:
        table.refuse_others("required", why="has no meaning with required = false")
        return SignatureControl(required=False)
    any_of = table.texts("any-of")
    if len(any_of) > MAX_POLICY_SIGNERS:
        table.problem(f"'any-of': more than {MAX_POLICY_SIGNERS} entries", key="any-of")
    control = SignatureControl(
        required=True,
        any_of=any_of,
        threshold=table.integer("threshold", default=1, least=1, most=max(len(any_of), 1)),
        uncovered=table.choice("uncovered", UncoveredFiles, default=UncoveredFiles.DENY),
    )
    table.finish()
    return control
