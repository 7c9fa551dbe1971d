"""`docs/policy.md` documents exactly the keys that the parser accepts, with their defaults."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from support.documents import blocks, document, sections, table_rows
from weighbridge.policy.cases import parse_cases
from weighbridge.policy.rule import Rule
from weighbridge.policy.schema import Policy
from weighbridge.policy.table import Table

TABLES = {
    "Top level": "",
    "[trust.NAME] with method key": "trust.key",
    "[trust.NAME] with method certificate": "trust.certificate",
    "[trust.NAME] with method sigstore": "trust.sigstore",
    "claims": "trust.sigstore.claims",
    "[builder.NAME]": "builder",
    "[scanner.NAME]": "scanner",
    "[[rule]]": "rule",
    "formats": "rule.formats",
    "scan": "rule.scan",
    "scan.approve": "rule.scan.approve",
    "scan.suppress": "rule.scan.suppress",
    "signature": "rule.signature",
    "provenance": "rule.provenance",
    "lineage": "rule.lineage",
    "receipt": "rule.receipt",
    "parts": "rule.parts",
    "isolation": "rule.isolation",
    "Top level of cases": "cases",
    "[[case]]": "case",
    "findings of a case": "case.findings",
    "gaps of a case": "case.gaps",
    "builds of a case": "case.builds",
    "signed of a case": "case.signed",
}
"""Titles of the sections with a table of keys, and the tables of the file they are about."""

HEAD = """
version = 1
[trust.hsm]
method = "key"
public-key = "keys/prod.pub"
[trust.corp]
method = "certificate"
certificate-chain = "keys/roots.pem"
identity = "release@acme.example"
[trust.bot]
method = "sigstore"
identity = "https://example.org/acme/release@*"
issuer = "https://issuer.example.org"
claims = { build-trigger = "push" }
[scanner.acme]
adapter = "sarif"
command = ["/opt/acme/scan", "{path}"]
[builder.ci]
id = "https://example.org/runner"
signed-by = "hsm"
max-level = 3
"""

NEEDED = {
    "rule": {
        "match": 'match = ["**"]',
        "boundary": 'boundary = ["load"]',
        "signature": 'signature = { any-of = ["hsm", "corp"] }',
    },
    "rule.signature": {"any-of": 'any-of = ["hsm", "corp"]'},
    "rule.provenance": {"builder": 'builder = ["ci"]'},
    "rule.lineage": {"inputs": 'inputs = "must-match-a-rule"'},
    "rule.receipt": {
        "from": 'from = "hsm"',
        "max-age": 'max-age = "30d"',
        "policy": f'policy = "sha256:{"1" * 64}"',
    },
    "rule.parts": {"from": 'from = "hsm"'},
    "rule.scan.approve": {
        "sha256": f'sha256 = "{"1" * 64}"',
        "globals": 'globals = ["acme.Net"]',
        "reason": 'reason = "read by hand"',
        "expires": "expires = 2031-12-31",
    },
    "rule.scan.suppress": {
        "rule": 'rule = "chat-template"',
        "path": 'path = "config.json"',
        "reason": 'reason = "read by hand"',
        "expires": "expires = 2031-12-31",
    },
}
"""Keys without which a table is not valid, so that each other one can be tried alone."""

COMPANIONS = {
    'remote-code = "pinned"': f'remote-code-digests = ["{"0" * 64}"]',
    "remote-code-digests": 'remote-code = "pinned"',
}
"""Keys that are valid together only, by the one that is tried."""

CASES = b"""
version = 1
[[case]]
name = "a"
reference = "a"
boundary = "load"
expect = "deny"
files = { a = "json" }
findings = [{ rule = "chat-template", path = "a", severity = "high" }]
gaps = [{ stage = "scan", code = "scan-timeout" }]
builds = [{ builder = "ci" }]
signed = [{ of = "b", signer = "hsm" }]
"""

_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One row of the document's tables: a key with its default and its example."""

    table: str
    name: str
    default: str
    example: str

    @property
    def label(self) -> str:
        """The key's whole name, for people."""
        return f"{self.table}.{self.name}"


def documented() -> Iterator[Key]:
    """Yield the keys of the document."""
    for section in sections(document("docs/policy.md")):
        if section.title in TABLES:
            for name, _, default, example, _ in table_rows(section.text):
                yield Key(
                    table=TABLES[section.title],
                    name=name.strip("`"),
                    default=default,
                    example=_CODE.findall(example)[0],
                )


KEYS = list(documented())
RULE_KEYS = [key for key in KEYS if key.table.split(".")[0] == "rule"]


def rule_of(table: str, line: str | None) -> Rule:
    """Return the rule in which *table* has *line* besides what it needs."""
    lines = dict(NEEDED.get(table, {}))
    if line is not None:
        key = line.split()[0]
        lines[key] = line
        for tried in (line, key):
            if tried in COMPANIONS:
                companion = COMPANIONS[tried]
                lines[companion.split()[0]] = companion
        if line == "required = false" and table != "rule.receipt":
            lines = {key: line}
    if table != "rule":
        text = f"{{ {', '.join(lines.values())} }}"
        if table.startswith("rule.scan."):
            text = f"{{ {table.rpartition('.')[2]} = [{text}] }}"
        name = table.split(".")[1]
        lines = {**NEEDED["rule"], name: f"{name} = {text}"}
    if "lineage" in lines:
        lines.setdefault("provenance", 'provenance = { builder = ["ci"] }')
    data = f"{HEAD}[[rule]]\n" + "\n".join(lines.values())
    (rule,) = Policy.from_toml(data.encode(), path=None).rules
    return replace(rule, line=0)


@pytest.fixture
def accepted(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Return the keys that the parsers ask for, by table, while they read whole files."""
    found: dict[str, set[str]] = defaultdict(set)
    original = Table._read
    root = ""

    def read(self: Table, key: str, *, required: bool) -> object:
        at = [part for part in self._at if isinstance(part, str)]
        named = {"trust", "builder", "scanner"}.intersection(at[:1])
        # Names that authors choose are no keys: entries, and files of a case.
        if not (named and len(at) == 1) and at != ["case", "files"]:
            if at[:1] == ["trust"]:
                at[1] = "sigstore" if at[2:] else str(self._data["method"])
            found[".".join(at[:1] if at[:1] in (["builder"], ["scanner"]) else at) or root].add(key)
        return original(self, key, required=required)

    monkeypatch.setattr(Table, "_read", read)
    suppression = ", ".join(NEEDED["rule.scan.suppress"].values())
    approval = ", ".join(NEEDED["rule.scan.approve"].values())
    scan = f"scan = {{ suppress = [{{ {suppression} }}], approve = [{{ {approval} }}] }}"
    tables = ["formats = {}", "isolation = {}", scan]
    tables += [
        f"{name} = {{ {', '.join(NEEDED[f'rule.{name}'].values())} }}"
        for name in ("provenance", "lineage", "receipt", "parts")
    ]
    rule = "\n".join(["[[rule]]", *NEEDED["rule"].values(), *tables])
    Policy.from_toml((HEAD + rule).encode(), path=None)
    root = "cases"
    parse_cases(CASES, path="cases")
    return dict(found)


def test_the_documented_keys_are_the_accepted_ones(accepted: dict[str, set[str]]) -> None:
    """Each table of the document has exactly the keys that the parser reads there."""
    listed: dict[str, set[str]] = defaultdict(set)
    for key in KEYS:
        listed[key.table].add(key.name)
    assert dict(listed) == accepted


def test_no_key_is_documented_twice() -> None:
    """No key has two rows that could say different things."""
    labels = [key.label for key in KEYS]
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize("key", KEYS, ids=lambda k: k.label)
def test_examples_set_their_key(key: Key) -> None:
    """The example of a key is TOML that sets this very key and no other."""
    assert list(tomllib.loads(key.example)) == [key.name]


@pytest.mark.parametrize("key", RULE_KEYS, ids=lambda k: k.label)
def test_examples_are_accepted(key: Key) -> None:
    """A rule with the example of a key is valid and differs from one without, or is the default."""
    stated = f"{key.name} = {key.default.strip('`')}"
    rule = rule_of(key.table, key.example)
    required = key.name in NEEDED.get(key.table, {})
    tables = {"formats", "scan", "provenance"} if key.table == "rule" else set()
    same = rule == rule_of(key.table, None)
    assert same == (key.example == stated) or required or key.name in tables


@pytest.mark.parametrize(
    "key", [k for k in RULE_KEYS if _CODE.fullmatch(k.default)], ids=lambda k: k.label
)
def test_defaults_are_true(key: Key) -> None:
    """A rule that spells a default out equals one that leaves the key away."""
    stated = f"{key.name} = {key.default.strip('`')}"
    assert rule_of(key.table, stated) == rule_of(key.table, None)


@pytest.mark.parametrize("key", [k for k in RULE_KEYS if k.table in NEEDED], ids=lambda k: k.label)
def test_required_keys_are_required(key: Key) -> None:
    """A key that is called required has no default to fall back on, and the other way round."""
    assert (key.default == "required") == (key.name in NEEDED[key.table])


def whole_policies() -> list[str]:
    """Return the policies that the document shows whole."""
    found = [b.text for b in blocks(document("docs/policy.md")) if b.language == "toml"]
    return [text for text in found if "[[rule]]" in text]


@pytest.mark.parametrize("text", whole_policies())
def test_whole_policies_are_valid(text: str) -> None:
    """A policy that the document shows whole parses."""
    assert Policy.from_toml(text.encode(), path=None).rules
