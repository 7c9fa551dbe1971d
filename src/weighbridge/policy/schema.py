"""The policy file as a value: read strictly, all problems at once, each with its line."""

import hashlib
import stat
from pathlib import Path

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError, PolicyError, UsageError
from weighbridge.core.limits.policy import MAX_POLICY_BYTES, MAX_POLICY_RULES
from weighbridge.core.values import frozen
from weighbridge.policy.rule import Rule
from weighbridge.policy.rule_reader import read_rule
from weighbridge.policy.scanners import KNOWN, ScannerEntry, read_scanner
from weighbridge.policy.table import Table, quote, read_document
from weighbridge.policy.trust import (
    Builder,
    KeyTrust,
    TrustEntry,
    read_builder,
    read_trust,
)

VERSION = 1
"""The version of the schema that this module reads."""


@frozen
class Policy:
    """
    What is asked of artifacts, by name and boundary. The first matching rule decides.

    Attributes:
        path: The file it was read from; None for a policy made in memory.
        sha256: Lower-case hex digest of the file's bytes.
        trust: Who may sign; names are unique.
        builders: Whom to believe about builds; names are unique.
        rules: In the order of the file.
        scanners: How other scanners are run; names are unique.
    """

    path: str | None
    sha256: str
    trust: tuple[TrustEntry, ...]
    builders: tuple[Builder, ...]
    rules: tuple[Rule, ...]
    scanners: tuple[ScannerEntry, ...] = ()

    @classmethod
    def from_toml(cls, data: bytes, *, path: str | None) -> "Policy":
        """
        Parse *data*; *path* serves messages, verdicts and `directory`, nothing is opened.

        Raises:
            PolicyError: The policy is not valid; the message names every problem's line.
        """
        return parse_policy(data, path=path)

    @classmethod
    def from_file(cls, path: str | Path) -> "Policy":
        """
        Read the policy file *path*, once.

        Key files that it names are not opened; they are relative to `directory`.

        Raises:
            UsageError: There is no such file.
            OperationError: The file cannot be read.
            PolicyError: It is not a regular file, or not a valid policy.
        """
        return parse_policy(read_policy_file(path), path=str(path))

    @property
    def directory(self) -> Path:
        """Where relative key files are looked for: the policy's directory."""
        return Path() if self.path is None else Path(self.path).parent

    @property
    def believed(self) -> tuple[str, ...]:
        """Paths of what it goes by: files of signers and other scanners, from `directory`."""
        signers = (file for entry in self.trust for file in entry.files)
        return (*signers, *(scanner.command[0] for scanner in self.scanners))

    def trust_entry(self, name: str) -> TrustEntry | None:
        """Return the trust entry called *name*, or None."""
        return next((entry for entry in self.trust if entry.name == name), None)

    def scanner(self, name: str) -> ScannerEntry | None:
        """Return the scanner called *name*; None when it has no entry."""
        return next((entry for entry in self.scanners if entry.name == name), None)


def read_policy_file(path: str | Path) -> bytes:
    """
    Return the bytes of a policy file, or of the cases beside it.

    Raises:
        UsageError: There is no such file.
        OperationError: The file cannot be read.
        PolicyError: It is not a regular file, or too large.
    """
    file = Path(path)
    try:
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode):
            raise PolicyError(
                "a policy cannot be read from this",
                where=str(file),
                expected="a regular file, such as weighbridge.toml",
                found="a directory" if stat.S_ISDIR(mode) else "a pipe, a socket or a device",
            )
        with file.open("rb") as stream:
            data = stream.read(MAX_POLICY_BYTES + 1)
    except FileNotFoundError as error:
        raise UsageError(
            "there is no policy file",
            code=Code.REFERENCE_NOT_FOUND,
            where=str(file),
            hint="Make one with: weighbridge policy init",
        ) from error
    except (OSError, ValueError) as error:
        # ValueError: a NUL in the path, or a character that the system's encoding lacks.
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise OperationError(f"the policy cannot be read: {reason}", where=str(file)) from error
    return data


def parse_policy(data: bytes, *, path: str | None) -> Policy:
    """
    Parse the policy *data*; see `Policy.from_toml`.

    1. TOML, within bounds. 2. Tables and keys, none unknown. 3. References between them.

    Raises:
        PolicyError: The policy is not valid; the message names every problem's line.
    """
    root, problems = read_document(data, file=path or "policy")  # 1
    _read_version(root)  # 2
    trust = _read_named(root, "trust")
    entries = tuple(e for e in (read_trust(table) for table in trust) if e is not None)
    builder_tables = _read_named(root, "builder")
    builders = tuple(b for b in (read_builder(table) for table in builder_tables) if b is not None)
    scanner_tables = _read_named(root, "scanner")
    scanners = tuple(s for s in (read_scanner(table) for table in scanner_tables) if s is not None)
    rule_tables = root.tables("rule", noun="rule")
    if not root.has("rule"):
        root.problem("no rule: nothing would ever be allowed; add a [[rule]]")
    if len(rule_tables) > MAX_POLICY_RULES:
        root.problem(f"more than {MAX_POLICY_RULES} rules", key="rule")
    rules = tuple(
        read_rule(table, index=index) for index, table in enumerate(rule_tables[:MAX_POLICY_RULES])
    )
    root.finish()
    by_name = {entry.name: entry for entry in entries}  # 3
    trust_names = frozenset(table.key for table in trust)
    builder_names = {table.key: table for table in builder_tables}
    scanner_names = KNOWN.union(table.key for table in scanner_tables)
    _check_builders(builders, builder_names, trust_names=trust_names)
    for rule, table in zip(rules, rule_tables, strict=False):
        _check_signers(rule, table, entries=by_name, trust_names=trust_names)
        _check_provenance(rule, table, builders=builders, names=frozenset(builder_names))
        _check_origin(rule, table, trust_names=trust_names)
        _check_scanners(rule, table, names=scanner_names)
    problems.raise_if_any()
    return Policy(
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        trust=entries,
        builders=builders,
        rules=rules,
        scanners=scanners,
    )


def _read_version(root: Table) -> None:
    root.integer("version", default=None, least=VERSION, most=VERSION)


def _read_named(root: Table, key: str) -> tuple[Table, ...]:
    """Read the tables `[KEY.NAME]`."""
    parent = root.table(key)
    if parent is None:
        return ()
    if not parent.keys:
        parent.problem("has no entry")
    tables = (parent.table(name) for name in parent.keys)
    return tuple(table for table in tables if table is not None)


def _check_builders(
    builders: tuple[Builder, ...], tables: dict[str, Table], *, trust_names: frozenset[str]
) -> None:
    for builder in builders:
        if builder.signed_by not in trust_names:
            message = f"'signed-by': no [trust.{quote(builder.signed_by)[1:-1]}]"
            tables[builder.name].problem(message, key="signed-by")


def _check_signers(
    rule: Rule,
    table: Table,
    *,
    entries: dict[str, TrustEntry],
    trust_names: frozenset[str],
) -> None:
    keys: dict[str, str] = {}
    for name in rule.signature.any_of:
        if name not in trust_names:
            _nested_problem(table, "signature", "any-of", f"no [trust.{quote(name)[1:-1]}]")
        entry = entries.get(name)
        if not isinstance(entry, KeyTrust):
            continue
        for key in entry.public_keys:
            twin = keys.setdefault(key, entry.name)
            if twin != entry.name:
                message = f"{twin} and {entry.name} are the same key and would count twice"
                _nested_problem(table, "signature", "any-of", message)


def _check_provenance(
    rule: Rule, table: Table, *, builders: tuple[Builder, ...], names: frozenset[str]
) -> None:
    for name in rule.provenance.builder:
        if name not in names:
            _nested_problem(table, "provenance", "builder", f"no [builder.{quote(name)[1:-1]}]")
    levels = [b.max_level for b in builders if b.name in rule.provenance.builder]
    if levels and max(levels) < rule.provenance.min_level:
        message = f"no builder listed is believed up to level {rule.provenance.min_level}"
        _nested_problem(table, "provenance", "min-level", message)


def _check_origin(rule: Rule, table: Table, *, trust_names: frozenset[str]) -> None:
    if rule.lineage is not None and not rule.provenance.required:
        message = (
            "'lineage' needs 'provenance': say whose word it is that tells what it was made from"
        )
        table.problem(message, key="lineage")
    if rule.receipt is not None and rule.receipt.issuer not in trust_names:
        message = f"no [trust.{quote(rule.receipt.issuer)[1:-1]}]"
        _nested_problem(table, "receipt", "from", message)
    if rule.parts is None:
        return
    if rule.parts.issuer not in trust_names:
        message = f"no [trust.{quote(rule.parts.issuer)[1:-1]}]"
        _nested_problem(table, "parts", "from", message)
    if not rule.signature.required:
        message = "'parts' needs a signature: it says which files the parts are of"
        table.problem(message, key="parts")


def _check_scanners(rule: Rule, table: Table, *, names: frozenset[str]) -> None:
    for name in rule.scan.also:
        if name not in names:
            known = ", ".join(sorted(KNOWN))
            message = f"no [scanner.{quote(name)[1:-1]}]; without an entry there are {known}"
            _nested_problem(table, "scan", "also", message)


def _nested_problem(rule: Table, section: str, key: str, message: str) -> None:
    rule.problem(f"{section}.{key}: {message}", section=section, key=key)
