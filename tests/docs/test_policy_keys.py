"""`docs/policy.md` documents exactly the keys that the parser accepts, with their defaults."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from support.documents import blocks, document, sections, table_rows
from weighbridge.policy.rule import Rule
from weighbridge.policy.schema import Policy
from weighbridge.policy.table import Table

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
[builder.ci]
id = "https://example.org/runner"
signed-by = "hsm"
max-level = 3
"""

RULE = {
    "match": 'match = ["**"]',
    "boundary": 'boundary = ["load"]',
    "signature": 'signature = { any-of = ["hsm", "corp"] }',
}

NEEDED = {
    "signature": {"any-of": 'any-of = ["hsm", "corp"]'},
    "provenance": {"builder": 'builder = ["ci"]'},
    "lineage": {"inputs": 'inputs = "must-match-a-rule"'},
    "scan.suppress": {
        "rule": 'rule = "chat-template"',
        "path": 'path = "config.json"',
        "reason": 'reason = "read by hand"',
        "expires": "expires = 2031-12-31",
    },
}
"""Keys without which a table is not valid, so that each other one can be tried alone."""

_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One row of the document's tables: a key with its default and its example."""

    table: str
    name: str
    default: str
    example: str


def documented() -> Iterator[Key]:
    """Yield the keys of the document; a section's title is the name of the table."""
    for section in sections(document("docs/policy.md")):
        table = section.title.strip("[]")
        if not section.title.startswith("["):
            continue
        for name, _, default, example, _ in table_rows(section.text):
            yield Key(table=table, name=name.strip("`"), default=default, example=example)


KEYS = list(documented())


def rule_of(table: str, line: str | None) -> Rule:
    """Return the rule in which *table* has *line* besides what it needs."""
    lines = dict(RULE)
    if table == "rule":
        if line is not None:
            lines[line.split()[0]] = line
            if line == 'remote-code = "pinned"':
                lines["remote-code-digests"] = f'remote-code-digests = ["{"0" * 64}"]'
            if line.startswith("remote-code-digests"):
                lines["remote-code"] = 'remote-code = "pinned"'
    else:
        inner = dict(NEEDED.get(table, {}))
        if line is not None:
            inner[line.split()[0]] = line
        if line == "required = false":
            inner = {"required": line}
        name = table.partition(".")[0]
        text = f"{{ {', '.join(inner.values())} }}"
        if table == "scan.suppress":
            text = f"{{ suppress = [{text}] }}"
        lines[name] = f"{name} = {text}"
    data = HEAD + "[[rule]]\n" + "\n".join(lines.values())
    (rule,) = Policy.from_toml(data.encode(), path=None).rules
    return replace(rule, line=0)


@pytest.fixture
def accepted(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Return the keys that the parser asks for, by table, while it reads a whole policy."""
    found: dict[str, set[str]] = defaultdict(set)
    original = Table._read

    def read(self: Table, key: str, *, required: bool) -> object:
        at = [part for part in self._at if isinstance(part, str)]
        if at and at[0] in {"trust", "builder"}:
            kind = self._data.get("method")
            at[1:] = [str(kind)] if at[0] == "trust" and kind else []
            if len(self._at) == 1:  # its keys are names that the author chooses
                return original(self, key, required=required)
        found[".".join(at)].add(key)
        return original(self, key, required=required)

    monkeypatch.setattr(Table, "_read", read)
    inner = {
        **{name: {} for name in ("formats", "scan", "isolation")},
        **{name: dict(lines) for name, lines in NEEDED.items() if "." not in name},
    }
    inner["scan"] = {
        "suppress": f"suppress = [{{ {', '.join(NEEDED['scan.suppress'].values())} }}]"
    }
    tables = [f"{name} = {{ {', '.join(lines.values())} }}" for name, lines in inner.items()]
    rule = "\n".join(["[[rule]]", RULE["match"], RULE["boundary"], *tables])
    Policy.from_toml((HEAD + rule).encode(), path=None)
    return dict(found)


def test_the_documented_keys_are_the_accepted_ones(accepted: dict[str, set[str]]) -> None:
    """Each table of the document has exactly the keys that the parser reads there."""
    listed: dict[str, set[str]] = defaultdict(set)
    for key in KEYS:
        listed[key.table or "top level"].add(key.name)
    names = {"": "top level", "trust.key": "trust.NAME: key", "builder": "builder.NAME"}
    names |= {f"trust.{kind}": f"trust.NAME: {kind}" for kind in ("key", "certificate", "sigstore")}
    names |= {table: table for table in accepted if table == "rule"}
    expected = {
        names.get(table, table.removeprefix("rule.")): keys for table, keys in accepted.items()
    }
    assert dict(listed) == expected


@pytest.mark.parametrize("key", KEYS, ids=lambda k: f"{k.table}.{k.name}")
def test_examples_of_keys_are_valid_toml(key: Key) -> None:
    """The example of a key is TOML that sets this very key."""
    (example,) = _CODE.findall(key.example)
    assert key.name in tomllib.loads(example)


def in_rules() -> list[Key]:
    """Return the keys that belong to rules."""
    tables = {"rule", "formats", "scan", "scan.suppress", "signature", "provenance"}
    return [key for key in KEYS if key.table in tables | {"lineage", "isolation"}]


@pytest.mark.parametrize("key", in_rules(), ids=lambda k: f"{k.table}.{k.name}")
def test_examples_of_keys_are_accepted(key: Key) -> None:
    """A rule with the example of a key is a valid rule."""
    (example,) = _CODE.findall(key.example)
    rule_of(key.table, example)


@pytest.mark.parametrize(
    "key",
    [k for k in in_rules() if _CODE.fullmatch(k.default)],
    ids=lambda k: f"{k.table}.{k.name}",
)
def test_defaults_are_true(key: Key) -> None:
    """A rule that spells a default out equals one that leaves the key away."""
    stated = f"{key.name} = {key.default.strip('`')}"
    assert rule_of(key.table, stated) == rule_of(key.table, None)


def whole_policies() -> list[str]:
    """Return the policies that the document shows whole."""
    found = [b.text for b in blocks(document("docs/policy.md")) if b.language == "toml"]
    return [text for text in found if "version = 1" in text]


@pytest.mark.parametrize("text", whole_policies())
def test_whole_policies_are_valid(text: str) -> None:
    """A policy that the document shows whole parses."""
    assert Policy.from_toml(text.encode(), path=None).rules


def test_an_undocumented_key_would_be_noticed(
    accepted: dict[str, set[str]],
) -> None:
    """The keys are recorded where the parser reads them, nested tables included."""
    assert "expires" in accepted["rule.scan.suppress"]
    assert "any-identity" in accepted["trust.certificate"]
