"""A policy with its defaults spelled out means the same."""

from dataclasses import replace

import pytest

from support.policies import TRUST, policy_of, rule_text, sha256
from weighbridge.policy.schema import Policy
from weighbridge.policy.view import policy_toml, rule_view

PIN = sha256(1).hex
POLICIES = {
    "small": policy_of("signature = { required = false }"),
    "large": policy_of(
        'name = "release"',
        'description = "what we\\nship"',
        'formats = { allow = ["torch", "json"], deny = ["numpy"] }',
        f'remote-code = "pinned"\nremote-code-digests = ["{PIN}"]',
        'symlinks = "files"\nsuffix-lies = "report"\nstamps = "trust"',
        'signature = { any-of = ["hsm", "corp"], threshold = 2, uncovered = "allow-git-metadata" }',
        'provenance = { builder = ["runner"], min-level = 2, source = "git+https://a/b@*", '
        'build-type = ["urn:b"], parameters = { "in.x" = "*", y = "a\\"b", z = ["p", "**"] } }',
        'lineage = { inputs = "must-match-a-rule", depth = 4, boundary = "b", from = ["a/*"] }',
        f'receipt = {{ from = "hsm", max-age = "90m", policy = "sha256:{PIN}", verifier = "u:v", '
        'required = true, boundary = "upload", resource = ["a/**"] }',
        'parts = { from = "hsm" }',
        'isolation = { network = "allow", write = ["out"], env = [], gpus = true, '
        'interfaces = true, engines = ["direct", "gvisor"], unpickle = "anything" }',
        "[[rule.scan.suppress]]",
        f'rule = "x"\npath = "a/*"\nreason = "r"\nexpires = 2031-12-31\nsha256 = "{PIN}"',
        "[[rule.scan.suppress]]",
        'rule = "y"\npath = "b"\nreason = "s"\nexpires = 2031-12-31',
        "[[rule.scan.approve]]",
        f'sha256 = "{PIN}"\nglobals = ["pkg.B", "pkg.A"]\nreason = "t"\nexpires = 2031-12-31',
    ),
    "scanners": Policy.from_toml(
        (
            "version = 1\n[scanner.acme]\nadapter = 'sarif'\n"
            "command = ['/opt/acme', '-f', '{path}', '-f']\nexit-codes = [3, 0]\n"
            "[scanner.picklescan]\nadapter = 'picklescan'\ncommand = ['/opt/picklescan']\n"
            + rule_text(
                "signature = { required = false }",
                "scan = { also = ['acme', 'picklescan', 'modelscan'], cache = true, "
                "suppress = [{ rule = 'acme:X.1', path = 'a', member = 'm/*', reason = 'r', "
                "expires = 2031-12-31 }] }",
            )
        ).encode(),
        path="p.toml",
    ),
    "network": policy_of(
        "signature = { required = false }",
        'isolation = { listen = [80, "0.0.0.0:81"], '
        'connect = ["db.example.com:5432", "[2001:db8::1]:443"] }',
    ),
    "no source": policy_of(
        "signature = { required = false }", 'provenance = { builder = ["runner"] }'
    ),
    "two rules": Policy.from_toml(
        (
            f"version = 1\n{TRUST}"
            "[trust.full]\nmethod = 'certificate'\ncertificate-chain = 'c'\nsubject = 'CN=a'\n"
            "identity = 'i'\nsan-uri = 'u'\ntimestamp-certificate-chain = 't'\n"
            "require-timestamp = true\n"
            "[trust.team]\nmethod = 'key'\npublic-key = ['a', 'b']\nnonstandard-keys = true\n"
            "valid-until = 2031-12-31\ntimestamp-certificate-chain = 't'\n"
            + rule_text('signature = { any-of = ["full"] }', match="a/*", boundary="load")
            + rule_text('signature = { any-of = ["keyless"] }')
        ).encode(),
        path="p.toml",
    ),
}


def without_lines(policy: Policy) -> Policy:
    """Return *policy* without what depends on how its file is written."""
    rules = tuple(replace(rule, line=0) for rule in policy.rules)
    return replace(policy, path=None, sha256="", rules=rules)


@pytest.mark.parametrize("name", POLICIES)
def test_means_the_same(name: str) -> None:
    """The written policy reads back as an equal one, and writing that changes nothing."""
    policy = POLICIES[name]
    text = policy_toml(policy)
    again = Policy.from_toml(text.encode(), path=None)
    assert without_lines(again) == without_lines(policy)
    assert policy_toml(again) == text


def test_defaults_are_spelled_out() -> None:
    """A rule's view has the values that its text leaves to the defaults."""
    view = rule_view(POLICIES["small"].rules[0])
    assert view == {
        "match": ["**"],
        "boundary": ["*"],
        "formats": {"deny-executable": True},
        "remote-code": "deny",
        "symlinks": "deny",
        "suffix-lies": "deny",
        "scan": {"fail-on": "medium", "on-gap": "deny", "cache": False},
        "signature": {"required": False},
        "provenance": {"required": False},
    }
