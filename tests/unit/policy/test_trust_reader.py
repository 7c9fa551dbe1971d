"""Signers and builders of a policy are read strictly, and who may be meant by them."""

from dataclasses import replace
from datetime import date

import pytest

from support.policies import UNSIGNED, policy_of, rule_text
from support.policy_texts import problems_of
from weighbridge.core.identity import SigningMethod
from weighbridge.policy.glob import IdentityGlob
from weighbridge.policy.schema import parse_policy
from weighbridge.policy.trust import (
    CertificateTrust,
    KeyTrust,
    SigstoreTrust,
    TimestampRule,
)
from weighbridge.policy.view import trust_view


def test_certificate_entries() -> None:
    """A certificate entry has its conditions, or says that it has none."""
    policy = policy_of(UNSIGNED)
    assert policy.trust_entry("corp") == CertificateTrust(
        name="corp",
        certificate_chain="keys/roots.pem",
        subject=None,
        identity="release@acme.example",
        san_uri=None,
        any_identity=False,
    )
    loose = policy.trust_entry("loose")
    assert isinstance(loose, CertificateTrust)
    assert loose.any_identity
    assert loose.method is SigningMethod.CERTIFICATE


def test_a_signer_may_have_several_keys_and_an_end() -> None:
    """One entry is one signer: with one key or several, a last day, and whose clocks count."""
    trust = (
        "[trust.team]\nmethod = 'key'\npublic-key = ['a.pub', 'b.pub']\nnonstandard-keys = true\n"
        "valid-until = 2031-12-31\ntimestamp-certificate-chain = 'tsa.pem'\n"
        "[trust.corp]\nmethod = 'certificate'\ncertificate-chain = 'c'\nidentity = 'd'\n"
        "timestamp-certificate-chain = 'tsa.pem'\nrequire-timestamp = true\n"
    )
    policy = parse_policy(f"version = 1\n{trust}{rule_text(UNSIGNED)}".encode(), path="p.toml")
    clock = TimestampRule(certificate_chain="tsa.pem", required=False)
    assert policy.trust_entry("team") == KeyTrust(
        name="team",
        public_key="a.pub",
        other_keys=("b.pub",),
        nonstandard_keys=True,
        valid_until=date(2031, 12, 31),
        timestamps=clock,
    )
    corp = policy.trust_entry("corp")
    assert isinstance(corp, CertificateTrust)
    assert corp.timestamps == replace(clock, required=True)


def test_a_key_in_two_entries_would_count_twice() -> None:
    """A key file may be in one of the accepted entries alone, whichever of its keys it is."""
    trust = (
        "version = 1\n[trust.a]\nmethod = 'key'\npublic-key = ['a.pub', 'b.pub']\n"
        "[trust.b]\nmethod = 'key'\npublic-key = 'b.pub'\n"
    )
    message = problems_of(trust + rule_text('signature = { any-of = ["a", "b"] }'))
    assert "a and b are the same key and would count twice" in message
    alone = trust + rule_text('signature = { any-of = ["a"] }')
    assert parse_policy(alone.encode(), path="p").rules[0].signature.any_of == ("a",)


@pytest.mark.parametrize(
    ("body", "line", "fragment"),
    [
        ("", 0, "'method' is missing"),
        ("method = 'any'", 1, "expected one of key, certificate, sigstore; found 'any'"),
        ("method = 'key'", 0, "'public-key' is missing"),
        ("method = 'key'\npublic-key = ''", 2, "'public-key' is empty"),
        ("method = 'key'\npublic-key = []", 2, "'public-key' lists nothing"),
        ("method = 'key'\npublic-key = ['a', 'a']", 2, "'public-key' has 'a' twice"),
        ("method = 'key'\npublic-key = 1", 2, "expected a string, found"),
        ("method = 'key'\npublic-key = 'a'\nvalid-until = 'then'", 3, "expected a date"),
        ("method = 'key'\npublic-key = 'a'\nnonstandard-keys = 'no'", 3, "expected"),
        ("method = 'key'\npublic-key = 'a'\nrequire-timestamp = true", 3, "nobody's would count"),
        (
            "method = 'certificate'\ncertificate-chain = 'a'\nidentity = 'b'\nrequire-timestamp = true",
            4,
            "nobody's would count",
        ),
        ("method = 'key'\npublic-key = 'a'\nidentity = 'b'", 3, "unknown key 'identity'"),
        ("method = 'certificate'\nidentity = 'a'", 0, "'certificate-chain' is missing"),
        ("method = 'certificate'\ncertificate-chain = 'a'", 0, "no identity: give 'identity'"),
        (
            "method = 'certificate'\ncertificate-chain = 'a'\nidentity = ''",
            3,
            "'identity' is empty",
        ),
        (
            "method = 'certificate'\ncertificate-chain = 'a'\nidentity = '*'",
            3,
            "has a wildcard; here it has to be exact",
        ),
        ("method = 'certificate'\ncertificate-chain = 'a'\nidentity = 'Any'", 3, "names nobody"),
        ("method = 'certificate'\ncertificate-chain = 'a'\nsubject = 'CN=*'", 3, "a wildcard"),
        ("method = 'certificate'\ncertificate-chain = 'a'\nsan-uri = '*'", 3, "a wildcard"),
        (
            "method = 'certificate'\ncertificate-chain = 'a'\nidentity = 'a'\nany-identity = true",
            4,
            "'any-identity' contradicts 'identity'",
        ),
        (
            "method = 'certificate'\ncertificate-chain = 'a'\nany-identity = false",
            0,
            "no identity",
        ),
        ("method = 'sigstore'\nissuer = 'https://i'", 0, "'identity' is missing"),
        ("method = 'sigstore'\nidentity = 'a@b'", 0, "'issuer' is missing"),
        ("method = 'sigstore'\nissuer = 'http://i'\nidentity = 'a@b'", 2, "expected an https URL"),
        ("method = 'sigstore'\nissuer = 'https://*'\nidentity = 'a@b'", 2, "has a wildcard"),
        ("method = 'sigstore'\nissuer = 'https://i'\nidentity = '*'", 3, "stands for any signer"),
        ("method = 'sigstore'\nissuer = 'https://i'\nidentity = 'any'", 3, "stands for any signer"),
        ("method = 'sigstore'\nissuer = 'https://i'\nidentity = '**@*.*'", 3, "any signer"),
        ("method = 'sigstore'\nissuer = 'https://i'\nidentity = 'a@*'", 3, "in its domain"),
        ("method = 'sigstore'\nissuer = 'https://i'\nidentity = 'https://*/x'", 3, "its owner"),
        ("method = 'sigstore'\nissuer = 'https://i'\nidentity = 'http*://g/x'", 3, "its owner"),
        ("method = 'sigstore'\nissuer = 'https://i'\nidentity = 'https://g/*'", 3, "its owner"),
        ("method = 'sigstore'\nissuer = 'https://i'\nidentity = 'a?'", 3, "has ?"),
    ],
)
def test_problem_in_a_trust_entry(body: str, line: int, fragment: str) -> None:
    """Each mistake in a trust entry is named at its own line."""
    text = f"version = 1\n{rule_text(UNSIGNED)}[trust.x]\n{body}\n"
    message = problems_of(text)
    start = 1 + rule_text(UNSIGNED).count("\n") + 1
    assert f"p.toml:{start + line}: trust.x: " in message
    assert fragment in message


@pytest.mark.parametrize(
    "identity",
    ["release@acme.example", "*@acme.example", "https://g.example/acme/*", "https://g.example/a"],
)
def test_specific_keyless_identity(identity: str) -> None:
    """A keyless identity that names a domain or an owner is accepted."""
    text = (
        f"version = 1\n{rule_text(UNSIGNED)}[trust.x]\nmethod = 'sigstore'\n"
        f"issuer = 'https://i'\nidentity = '{identity}'\n"
    )
    (entry,) = parse_policy(text.encode(), path=None).trust
    assert isinstance(entry, SigstoreTrust)


@pytest.mark.parametrize(
    ("body", "line", "fragment"),
    [
        ("", 0, "'id' is missing"),
        ("", 0, "'signed-by' is missing"),
        ("", 0, "'max-level' is missing"),
        ("id = '*'", 1, "has a wildcard"),
        ("id = 'https://a/*@main'", 1, "'https://a/*' has a wildcard"),
        ("id = 'https://a/b@*@main'", 1, "'https://a/b@*' has a wildcard"),
        ("id = '*@main'", 1, "has a wildcard"),
        ("id = 'i'\nsigned-by = 'nobody'\nmax-level = 1", 2, "'signed-by': no [trust.nobody]"),
        ("max-level = 4", 1, "expected 1 to 3, found 4"),
        ("level = 4", 1, "unknown key 'level'; did you mean 'max-level'?"),
    ],
)
def test_problem_in_a_builder(body: str, line: int, fragment: str) -> None:
    """Each mistake in a builder is named at its own line."""
    text = f"version = 1\n{rule_text(UNSIGNED)}[builder.x]\n{body}\n"
    message = problems_of(text)
    start = 1 + rule_text(UNSIGNED).count("\n") + 1
    assert f"p.toml:{start + line}: builder.x: " in message
    assert fragment in message


@pytest.mark.parametrize("name", ["a b", "", "-a", "é", "a" * 65, "a\\nb"])
@pytest.mark.parametrize("kind", ["trust", "builder"])
def test_entry_names_are_plain(kind: str, name: str) -> None:
    """Entries have short names of plain characters, and messages show others escaped."""
    text = f'version = 1\n{rule_text(UNSIGNED)}[{kind}."{name}"]\n'
    message = problems_of(text)
    assert "a name has 1 to 64 of" in message
    assert "a\nb" not in message


KEYLESS = (
    "version = 1\n"
    + rule_text(UNSIGNED)
    + ("[trust.x]\nmethod = 'sigstore'\nissuer = 'https://i'\nidentity = 'a@acme.example'\n")
)


def test_keyless_conditions_are_read() -> None:
    """Claims, and a trusted root with its digest, are read into the entry, and shown again."""
    text = KEYLESS + (
        f"trusted-root = 'trust/root.json'\ntrusted-root-sha256 = '{'ab' * 32}'\n"
        "[trust.x.claims]\nsource-repository-ref = 'refs/tags/*'\nbuild-trigger = 'push'\n"
    )
    (entry,) = parse_policy(text.encode(), path=None).trust
    assert entry == SigstoreTrust(
        name="x",
        identity=IdentityGlob("a@acme.example"),
        issuer="https://i",
        claims=(
            ("build-trigger", IdentityGlob("push")),
            ("source-repository-ref", IdentityGlob("refs/tags/*")),
        ),
        trusted_root="trust/root.json",
        trusted_root_sha256="ab" * 32,
    )
    assert trust_view(entry) == {
        "method": "sigstore",
        "identity": "a@acme.example",
        "issuer": "https://i",
        "claims": {"build-trigger": "push", "source-repository-ref": "refs/tags/*"},
        "trusted-root": "trust/root.json",
        "trusted-root-sha256": "ab" * 32,
    }


@pytest.mark.parametrize(
    ("body", "fragment"),
    [
        ("claims = {}", "'claims' names none"),
        ("claims = { build-triger = 'push' }", "did you mean 'build-trigger'"),
        ("claims = { build-trigger = 1 }", "expected a string"),
        ("claims = { build-trigger = '' }", "is empty"),
        ("claims = { source-repository-uri = 'https://*/a/b' }", "has a wildcard in its scheme"),
        ("claims = 'push'", "expected a table"),
        ("trusted-root = 'root.json'", "belong together"),
        (f"trusted-root-sha256 = '{'a' * 64}'", "belong together"),
        (f"trusted-root = 'r'\ntrusted-root-sha256 = '{'A' * 64}'", "64 lower-case hex digits"),
        (f"trusted-root = 'r'\ntrusted-root-sha256 = '{'a' * 63}'", "64 lower-case hex digits"),
    ],
)
def test_mistakes_in_keyless_conditions(body: str, fragment: str) -> None:
    """Each mistake in claims or in a pinned root is an error, none a weaker condition."""
    assert fragment in problems_of(f"{KEYLESS}{body}\n")
