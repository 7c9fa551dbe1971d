"""A policy is read strictly: every problem is named, with its line, in one error."""

import hashlib
import os
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from support.policies import TRUST, policy_of, rule_text, sha256
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.errors import OperationError, PolicyError, UsageError
from weighbridge.core.evidence import Severity
from weighbridge.core.identity import SigningMethod
from weighbridge.core.limits.policy import (
    MAX_POLICY_BYTES,
    MAX_POLICY_LINE_CHARS,
    MAX_POLICY_PROBLEMS,
    MAX_POLICY_RULES,
    MAX_POLICY_SIGNERS,
)
from weighbridge.policy.glob import Glob, IdentityGlob
from weighbridge.policy.origin_reader import age_text
from weighbridge.policy.rule import (
    FormatControl,
    LineageControl,
    LineageInputs,
    Network,
    OnGap,
    ProvenanceControl,
    ReceiptControl,
    RemoteCode,
    ScanControl,
    SignatureControl,
    Stamps,
    SuffixLies,
    Symlinks,
    UncoveredFiles,
)
from weighbridge.policy.schema import Policy, parse_policy
from weighbridge.policy.trust import (
    Builder,
    CertificateTrust,
    KeyTrust,
    SigstoreTrust,
    TimestampRule,
)
from weighbridge.policy.view import trust_view

HEX = "ab" * 32
BASE = f"version = 1\n{TRUST}\n"
UNSIGNED = "signature = { required = false }"
LINEAGE = "lineage = { inputs = 'must-match-a-rule'"
PROVENANCE = "provenance = { builder = ['runner']"
PINNED = f"policy = 'sha256:{HEX}'"
RECEIPT = f"max-age = '1d', {PINNED}"
RULE_LINE = BASE.count("\n") + 1
FIRST_LINE = RULE_LINE + 3
"""The line of the first line that a test gives to `rule_text`."""


def problems_of(text: str) -> str:
    """Return the message of the error that *text* is refused with."""
    with pytest.raises(PolicyError) as caught:
        parse_policy(text.encode(), path="p.toml")
    assert caught.value.code is Code.POLICY_MALFORMED
    return str(caught.value)


DESIGN_EXAMPLE = """
version = 1
[trust.release-bot]
method   = "sigstore"
identity = "https://github.com/acme/models/.github/workflows/release.yml@refs/tags/*"
issuer   = "https://token.actions.githubusercontent.com"
[trust.hsm]
method     = "key"
public-key = "keys/prod.pub"
[builder.github-l3]
id        = "https://github.com/actions/runner/github-hosted"
signed-by = "release-bot"
max-level = 3
[[rule]]
match      = ["acme/*", "models/prod/**"]
boundary   = ["deploy", "load"]
formats    = { allow = ["safetensors", "json", "text", "tokenizer"], deny-executable = true }
remote-code = "deny"                      # deny | pinned (digests listed) | allow
scan       = { fail-on = "medium", on-gap = "deny" }
signature  = { required = true, any-of = ["release-bot", "hsm"], threshold = 1, uncovered = "deny" }
provenance = { required = true, builder = ["github-l3"], min-level = 2, source = "git+https://github.com/acme/train@*" }
lineage    = { inputs = "must-match-a-rule", depth = 4 }
isolation  = { network = "none", write = [], env = ["CUDA_VISIBLE_DEVICES"] }
"""


def test_documented_example() -> None:
    """Every key of the documented example is read into its value."""
    policy = parse_policy(DESIGN_EXAMPLE.encode(), path="dir/weighbridge.toml")
    assert policy.sha256 == hashlib.sha256(DESIGN_EXAMPLE.encode()).hexdigest()
    assert policy.directory == Path("dir")
    bot = SigstoreTrust(
        name="release-bot",
        identity=IdentityGlob(
            "https://github.com/acme/models/.github/workflows/release.yml@refs/tags/*"
        ),
        issuer="https://token.actions.githubusercontent.com",
    )
    hsm = KeyTrust(name="hsm", public_key="keys/prod.pub")
    assert policy.trust == (bot, hsm)
    assert (bot.method, hsm.method) == (SigningMethod.SIGSTORE, SigningMethod.KEY)
    assert policy.trust_entry("hsm") == hsm
    assert policy.trust_entry("nobody") is None
    assert policy.builders == (
        Builder(
            name="github-l3",
            id="https://github.com/actions/runner/github-hosted",
            signed_by="release-bot",
            max_level=3,
        ),
    )
    (rule,) = policy.rules
    assert (rule.index, rule.line, rule.name) == (0, 14, None)
    assert rule.match == (Glob("acme/*"), Glob("models/prod/**"))
    assert rule.boundary == ("deploy", "load")
    allowed = frozenset(
        {FileFormat.SAFETENSORS, FileFormat.JSON, FileFormat.TEXT, FileFormat.TOKENIZER}
    )
    assert rule.formats == FormatControl(
        allow=allowed,
        verbatim=allowed,
        allow_names=("safetensors", "json", "text", "tokenizer"),
    )
    assert rule.remote_code is RemoteCode.DENY
    assert rule.scan == ScanControl(fail_on=Severity.MEDIUM, on_gap=OnGap.DENY)
    assert rule.signature == SignatureControl(required=True, any_of=("release-bot", "hsm"))
    assert rule.provenance == ProvenanceControl(
        required=True,
        builder=("github-l3",),
        min_level=2,
        source=Glob("git+https://github.com/acme/train@*"),
    )
    assert rule.lineage is not None
    assert (rule.lineage.inputs, rule.lineage.depth) == (LineageInputs.MUST_MATCH_A_RULE, 4)
    assert rule.isolation is not None
    assert rule.isolation.network is Network.NONE
    assert (rule.isolation.write, rule.isolation.env) == ((), ("CUDA_VISIBLE_DEVICES",))


def test_defaults_are_strict() -> None:
    """What a rule leaves out has the strict value."""
    (rule,) = policy_of('signature = { any-of = ["hsm"] }').rules
    assert rule.formats == FormatControl(
        allow=None, verbatim=frozenset(), deny=frozenset(), deny_executable=True
    )
    assert rule.scan == ScanControl(fail_on=Severity.MEDIUM, on_gap=OnGap.DENY, suppress=())
    assert rule.signature == SignatureControl(
        required=True, any_of=("hsm",), threshold=1, uncovered=UncoveredFiles.DENY
    )
    assert rule.remote_code is RemoteCode.DENY
    assert rule.symlinks is Symlinks.DENY
    assert rule.suffix_lies is SuffixLies.DENY
    assert rule.stamps is Stamps.IGNORE
    assert rule.provenance.required is False
    assert (rule.lineage, rule.isolation) == (None, None)


def test_provenance() -> None:
    """Build types are exact, and parameters are patterns in which other syntax is text."""
    (rule,) = policy_of(
        UNSIGNED,
        f"{PROVENANCE}, build-type = ['urn:a', 'urn:b?c'], parameters = {{ z = 'a[{{?}}]*', "
        "'in.x' = '**', command = ['python', '*', 'python'] } }",
    ).rules
    assert rule.provenance == ProvenanceControl(
        required=True,
        builder=("runner",),
        build_type=("urn:a", "urn:b?c"),
        parameters=(
            ("command", (Glob("python"), Glob("*"), Glob("python"))),
            ("in.x", Glob("**")),
            ("z", Glob("a[{?}]*")),
        ),
    )


def test_origin() -> None:
    """Lineage and receipts are read, with their defaults and without."""
    provenance = "provenance = { builder = ['runner'] }"
    (least,) = policy_of(
        UNSIGNED, provenance, f"{LINEAGE} }}", f"receipt = {{ from = 'hsm', {RECEIPT} }}"
    ).rules
    assert least.lineage == LineageControl(inputs=LineageInputs.MUST_MATCH_A_RULE, depth=1)
    digest = Digest(HashAlgorithm.SHA256, bytes.fromhex(HEX))
    assert least.receipt == ReceiptControl(
        issuer="hsm", verifier="urn:weighbridge:verifier", max_age=24 * 60 * 60, policy=digest
    )
    (most,) = policy_of(
        UNSIGNED,
        provenance,
        f"{LINEAGE}, depth = 64, boundary = 'origin', from = ['hf://acme/*', 'data/x'] }}",
        f"receipt = {{ from = 'hsm', max-age = '3650d', {PINNED}, verifier = 'https://v.example', "
        "required = true, boundary = 'upload', resource = ['models/**'] }",
    ).rules
    assert most.lineage == LineageControl(
        inputs=LineageInputs.MUST_MATCH_A_RULE,
        depth=64,
        boundary="origin",
        parents=(Glob("hf://acme/*"), Glob("data/x")),
    )
    assert most.receipt == ReceiptControl(
        issuer="hsm",
        verifier="https://v.example",
        max_age=3650 * 24 * 60 * 60,
        policy=digest,
        required=True,
        boundary="upload",
        resource=(Glob("models/**"),),
    )


@pytest.mark.parametrize(
    ("text", "seconds"), [("1s", 1), ("90s", 90), ("2m", 120), ("36h", 129600), ("30d", 2592000)]
)
def test_ages(text: str, seconds: int) -> None:
    """An age is a number with its unit, and is shown in one that is exact."""
    receipt = f"receipt = {{ from = 'hsm', max-age = '{text}', {PINNED} }}"
    (rule,) = policy_of(UNSIGNED, receipt).rules
    assert rule.receipt is not None
    assert rule.receipt.max_age == seconds
    assert age_text(seconds) == text


def test_all_optional_values() -> None:
    """Every value that is not a default can be said."""
    (rule,) = policy_of(
        'name = "release"',
        'description = "what we ship"',
        'formats = { allow = ["torch", "json"], deny = ["numpy"], deny-executable = false }',
        'remote-code = "pinned"',
        f'remote-code-digests = ["{HEX}"]',
        'symlinks = "files"',
        'suffix-lies = "report"',
        'stamps = "trust"',
        'signature = { any-of = ["hsm", "corp"], threshold = 2, uncovered = "allow-git-metadata" }',
        "provenance = { required = false }",
        'isolation = { network = "allow" }',
        "[rule.scan]",
        'fail-on = "low"',
        'on-gap = "indeterminate"',
        "[[rule.scan.suppress]]",
        'rule = "pickle-unknown-global"',
        'path = "old/*.pkl"',
        f'sha256 = "{HEX}"',
        'reason = "looked at it"',
        "expires = 2031-12-31",
        "[[rule.scan.approve]]",
        f'sha256 = "{HEX}"',
        'globals = ["acme.Net", "acme.Head.Inner"]',
        'reason = "our own"',
        "expires = 2031-11-30",
    ).rules
    (approval,) = rule.scan.approve
    assert approval.sha256.hex == HEX
    assert approval.globals == {"acme.Net", "acme.Head.Inner"}
    assert (approval.reason, approval.expires) == ("our own", date(2031, 11, 30))
    assert rule.label == "rule 1 (release)"
    assert rule.description == "what we ship"
    assert rule.formats.allow == frozenset(
        {FileFormat.TORCH_ZIP, FileFormat.TORCH_LEGACY, FileFormat.JSON}
    )
    assert rule.formats.verbatim == {FileFormat.JSON}
    assert rule.formats.deny == {FileFormat.NPY, FileFormat.NPZ}
    assert rule.formats.deny_executable is False
    assert (rule.formats.allow_names, rule.formats.deny_names) == (("torch", "json"), ("numpy",))
    assert {d.hex for d in rule.remote_code_digests} == {HEX}
    assert rule.symlinks is Symlinks.FILES
    assert rule.suffix_lies is SuffixLies.REPORT
    assert rule.stamps is Stamps.TRUST
    assert rule.signature.threshold == 2
    assert rule.signature.uncovered is UncoveredFiles.ALLOW_GIT_METADATA
    assert rule.isolation is not None
    assert rule.isolation.network is Network.ALLOW
    assert (rule.scan.fail_on, rule.scan.on_gap) == (Severity.LOW, OnGap.INDETERMINATE)
    (suppression,) = rule.scan.suppress
    assert suppression.rule == "pickle-unknown-global"
    assert suppression.path == Glob("old/*.pkl")
    assert suppression.sha256 is not None
    assert suppression.sha256.hex == HEX
    assert suppression.reason == "looked at it"
    assert suppression.expires == date(2031, 12, 31)


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


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        ("surprise = 1", "unknown key 'surprise'"),
        ("remote_code = 'deny'", "unknown key 'remote_code'; did you mean 'remote-code'?"),
        ("name = ''", "'name' is empty"),
        ("name = 1", "'name': expected a string, found an integer"),
        ("description = ' '", "'description' is empty"),
        ("remote-code = 'no'", "'remote-code': expected one of deny, pinned, allow; found 'no'"),
        ("remote-code = 'pinned'", "needs 'remote-code-digests'"),
        (f"remote-code-digests = ['{HEX}']", 'only with remote-code = "pinned"'),
        ("symlinks = true", "'symlinks': expected a string, found a boolean"),
        ("symlinks = 'follow'", "expected one of deny, files"),
        ("suffix-lies = 'allow'", "expected one of deny, report"),
        ("stamps = true", "'stamps': expected a string, found a boolean"),
        ("stamps = 'use'", "expected one of ignore, trust"),
        ("formats = 'json'", "'formats': expected a table, found a string"),
        ("formats = { allow = [] }", "'allow' lists nothing"),
        ("formats = { allow = ['word'] }", "no format is called 'word'; there are "),
        ("formats = { allow = ['json', 'json'] }", "'allow' has 'json' twice"),
        ("formats = { allow = ['json'], deny = ['json'] }", "'json' is both allowed and denied"),
        ("formats = { allow = ['json', 3] }", "expected a list of strings, found an integer"),
        ("formats = { deny-executable = 'yes' }", "expected true or false, found a string"),
        ("formats = { Allow = ['json'] }", "unknown key 'Allow'"),
        ("scan = { fail-on = 'none' }", "expected one of low, medium, high, critical"),
        ("scan = { on-gap = 'report' }", "expected one of deny, indeterminate"),
        ("scan = { fail_on = 'low' }", "unknown key 'fail_on'; did you mean 'fail-on'?"),
        ("scan = { suppress = [] }", "'suppress' lists nothing"),
        ("scan = { suppress = [1] }", "expected a list of tables, found an integer"),
        ("scan = { suppress = {} }", "expected a list of tables, found a table"),
        ("scan = { approve = [] }", "'approve' lists nothing"),
        ("scan = { approve = [{ sha256 = 'ab' }] }", "expected 64 lower-case"),
        (f"scan = {{ approve = [{{ sha256 = '{HEX}', globals = ['a.*'] }}] }}", "found 'a.*'"),
        (f"scan = {{ approve = [{{ sha256 = '{HEX}', globals = ['a'] }}] }}", "such as package"),
        (f"scan = {{ approve = [{{ sha256 = '{HEX}', globals = [] }}] }}", "lists nothing"),
        (f"scan = {{ approve = [{{ sha256 = '{HEX}', globals = ['a.b'] }}] }}", "'reason' is"),
        ("provenance = { builder = ['nobody'] }", "no [builder.nobody]"),
        ("provenance = {}", "'builder' is missing"),
        ("provenance = { required = false, min-level = 1 }", "no meaning with required = false"),
        (
            "provenance = { builder = ['runner'], min-level = 3 }",
            "no builder listed is believed up to level 3",
        ),
        ("provenance = { builder = ['runner'], min-level = 4 }", "expected 1 to 3, found 4"),
        ("provenance = { builder = ['runner'], source = '**' }", "stands for any source"),
        ("provenance = { builder = ['runner'], source = 'a[b]' }", "'source': 'a[b]' has [ ]"),
        (f"{PROVENANCE}, build-type = [] }}", "'build-type' lists nothing"),
        (f"{PROVENANCE}, build-type = ['a*'] }}", "'a*' has a wildcard"),
        (f"{PROVENANCE}, build-type = 'a' }}", "expected a list of strings"),
        (f"{PROVENANCE}, parameters = 'a' }}", "expected a table"),
        (f"{PROVENANCE}, parameters = {{ a = 1 }} }}", "'a': expected a string, found an integer"),
        (f"{PROVENANCE}, parameters = {{ a.b = 'x' }} }}", "'a': expected a string, found a table"),
        (f"{PROVENANCE}, parameters = {{ a = '' }} }}", "'a' is empty"),
        (f"{PROVENANCE}, parameters = {{ a = '***' }} }}", "more than two * in a row"),
        (f"{PROVENANCE}, parameters = {{ a = [] }} }}", "'a' is empty"),
        (f"{PROVENANCE}, parameters = {{ a = ['b', ''] }} }}", "has an empty string"),
        (f"{PROVENANCE}, parameters = {{ a = ['b', '***'] }} }}", "more than two * in a row"),
        (f"{PROVENANCE}, parameters = {{ a = 'x{'x' * 1100}' }} }}", "characters; at most"),
        ('lineage = { inputs = "must-match-a-rule" }', "'lineage' needs 'provenance'"),
        (f"{LINEAGE}, boundary = 'A' }}", "expected a name such as upload"),
        (f"{LINEAGE}, from = [] }}", "'from' lists nothing"),
        (f"{LINEAGE}, from = ['**'] }}", "stands for every name"),
        (f"{LINEAGE}, from = ['a[b]'] }}", "'from': 'a[b]' has [ ]"),
        ("receipt = {}", "'from' is missing"),
        (f"receipt = {{ from = 'nobody', {RECEIPT} }}", "no [trust.nobody]"),
        (f"receipt = {{ from = 'hsm', {RECEIPT}, verifier = 'a*' }}", "has a wildcard"),
        (f"receipt = {{ from = 'hsm', {RECEIPT}, boundary = '*' }}", "expected a name such as"),
        (f"receipt = {{ from = 'hsm', {RECEIPT}, resource = ['*'] }}", "stands for every name"),
        (f"receipt = {{ from = 'hsm', {RECEIPT}, max_age = 1 }}", "unknown key 'max_age'"),
        ("receipt = { from = 'hsm', max-age = '1d' }", "'policy' is missing"),
        (f"receipt = {{ from = 'hsm', {PINNED} }}", "'max-age' is missing"),
        (f"receipt = {{ from = 'hsm', max-age = '0d', {PINNED} }}", "such as 30d"),
        (f"receipt = {{ from = 'hsm', max-age = '1w', {PINNED} }}", "such as 30d"),
        (f"receipt = {{ from = 'hsm', max-age = '3651d', {PINNED} }}", "at most 3650d"),
        (f"receipt = {{ from = 'hsm', max-age = 30, {PINNED} }}", "expected a string"),
        (f"receipt = {{ from = 'hsm', max-age = '1d', policy = '{HEX}' }}", "expected sha256:"),
        ("lineage = {}", "'inputs' is missing"),
        ("lineage = { inputs = 'any' }", "expected one of must-match-a-rule"),
        ("lineage = { inputs = 'must-match-a-rule', depth = 0 }", "expected 1 to 64, found 0"),
        ("isolation = { network = 'some' }", "expected one of none, allow"),
        ("isolation = { shell = true }", "unknown key 'shell'"),
        ("isolation = { listen = [0] }", "expected strings, or integers from 1 to 65535"),
        ("isolation = { listen = [true] }", "expected strings, or integers from 1 to 65535"),
        ("isolation = { listen = 80 }", "expected a list of integers and strings, found an int"),
        ("isolation = { listen = [] }", "'listen' lists nothing"),
        ("isolation = { listen = ['db:80'] }", "needs an address of this machine, and no name"),
        ("isolation = { listen = [80, '80'] }", "'listen' has '80' twice"),
        ("isolation = { connect = ['a'] }", "needs a host and a port"),
        ("isolation = { connect = ['A:1', 'a:1'] }", "'connect' has 'a:1' twice"),
        ("isolation = { listen = [80], connect = ['127.0.0.1:80'] }", "80 is in 'connect' too"),
        ("isolation = { network = 'allow', connect = ['a:1'] }", "and here is none"),
        ("isolation = { processes = 0 }", "'processes': expected 1 to 1000000, found 0"),
        ("isolation = { env = 'A' }", "'env': expected a list of strings, found a string"),
        ("remote-code-digests = 1.5", "expected a list of strings, found a float"),
        ("name = [1]", "expected a string, found a list"),
        ("name = 2031-01-01", "expected a string, found a date or time"),
    ],
)
def test_problem_in_a_rule(line: str, fragment: str) -> None:
    """Each mistake in a rule is named at its own line, and without it the rule is read."""
    message = problems_of(BASE + rule_text(line, UNSIGNED))
    assert f"p.toml:{FIRST_LINE}: rule 1" in message
    assert fragment in message
    parse_policy((BASE + rule_text(UNSIGNED)).encode(), path="p.toml")


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        ("signature = true", "'signature': expected a table, found a boolean"),
        ("signature = {}", "'any-of' is missing"),
        ("signature = { any-of = [] }", "'any-of' lists nothing"),
        ("signature = { any-of = [''] }", "'any-of' has an empty string"),
        ("signature = { any-of = ['nobody'] }", "no [trust.nobody]"),
        ("signature = { any-of = ['hsm'], threshold = 0 }", "expected 1, found 0"),
        ("signature = { any-of = ['hsm'], threshold = 2 }", "expected 1, found 2"),
        ("signature = { any-of = ['hsm'], threshold = true }", "an integer, found a boolean"),
        ("signature = { any-of = ['hsm'], threshold = 1.0 }", "an integer, found a float"),
        ("signature = { any-of = ['hsm'], uncovered = 'allow' }", "allow-git-metadata; found"),
        ("signature = { required = false, any-of = ['hsm'] }", "'any-of' has no meaning"),
        ("signature = { required = 'no', any-of = ['hsm'] }", "expected true or false"),
        ("signature = { any-of = ['hsm'], anyof = 1 }", "unknown key 'anyof'; did you mean"),
    ],
)
def test_problem_in_a_signature(line: str, fragment: str) -> None:
    """Each mistake about who has to sign is named at its own line."""
    message = problems_of(BASE + rule_text(line))
    assert f"p.toml:{FIRST_LINE}: rule 1" in message
    assert fragment in message


def test_signature_has_to_be_spoken_of() -> None:
    """A rule without a signature table is refused; that none is required has to be said."""
    assert f"p.toml:{RULE_LINE}: rule 1: 'signature' is missing" in problems_of(BASE + rule_text())
    assert not policy_of(UNSIGNED).rules[0].signature.required


def test_signers_are_bounded() -> None:
    """A rule lists at most so many signers, and exactly so many are fine."""
    entries = "".join(f'[trust.k{i}]\nmethod = "key"\npublic-key = "{i}.pub"\n' for i in range(101))
    names = [f"k{i}" for i in range(MAX_POLICY_SIGNERS)]
    text = f"version = 1\n{entries}" + rule_text(f"signature = {{ any-of = {names} }}")
    assert len(parse_policy(text.encode(), path=None).rules[0].signature.any_of) == len(names)
    names.append("k100")
    text = f"version = 1\n{entries}" + rule_text(f"signature = {{ any-of = {names} }}")
    assert "more than 100 entries" in problems_of(text)


def test_one_key_under_two_names() -> None:
    """Two entries with one key file cannot stand beside each other in a rule."""
    twin = '[trust.twin]\nmethod = "key"\npublic-key = "keys/prod.pub"\n'
    text = BASE + twin + rule_text('signature = { any-of = ["hsm", "twin"], threshold = 2 }')
    assert "hsm and twin are the same key and would count twice" in problems_of(text)
    alone = BASE + twin + rule_text('signature = { any-of = ["spare", "twin"], threshold = 2 }')
    assert parse_policy(alone.encode(), path=None).rules[0].signature.threshold == 2


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        ("match = []", "'match' lists nothing"),
        ("match = ['']", "'match' has an empty string"),
        ("match = 'acme/*'", "expected a list of strings, found a string"),
        ("match = ['a?']", "'match': 'a?' has ?"),
        ("match = ['a', 'a']", "'match' has 'a' twice"),
    ],
)
def test_problem_in_match(line: str, fragment: str) -> None:
    """A rule has to say what it matches, in the syntax of globs."""
    message = problems_of(f'{BASE}[[rule]]\n{line}\nboundary = ["load"]\n{UNSIGNED}\n')
    assert f"p.toml:{RULE_LINE + 1}: rule 1: " in message
    assert fragment in message


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        ("boundary = []", "'boundary' lists nothing"),
        ("boundary = 'load'", "expected a list of strings, found a string"),
        ("boundary = ['load', '*']", "'*' stands alone"),
        ("boundary = ['lo*']", "or '*' alone, found 'lo*'"),
        ("boundary = ['Load']", "found 'Load'"),
    ],
)
def test_problem_in_boundary(line: str, fragment: str) -> None:
    """Boundaries are names, or every boundary in so many words."""
    message = problems_of(f'{BASE}[[rule]]\nmatch = ["a"]\n{line}\n{UNSIGNED}\n')
    assert f"p.toml:{RULE_LINE + 2}: rule 1: " in message
    assert fragment in message


def test_match_and_boundary_are_required() -> None:
    """A rule without a match or a boundary is refused."""
    message = problems_of(f"{BASE}[[rule]]\n{UNSIGNED}\n")
    assert f"p.toml:{RULE_LINE}: rule 1: 'match' is missing" in message
    assert f"p.toml:{RULE_LINE}: rule 1: 'boundary' is missing" in message


@pytest.mark.parametrize(
    ("body", "line", "fragment"),
    [
        ('rule = "x"\n', 0, "'path' is missing"),
        ("rule = 'x'\npath = '**'\n", 2, "'path': '**' stands for every file"),
        ("rule = 'x'\npath = 'a[1]'\n", 2, "'path': 'a[1]' has [ ]"),
        ("path = 'a'\nrule = '*'\n", 2, "expected one rule id such as pickle-global, found '*'"),
        ("path = 'a'\nrule = 'scan-timeout'\n", 2, "it cannot be suppressed"),
        ("path = 'a'\nrule = 'scan-crashed'\n", 2, "it cannot be suppressed"),
        ("path = 'a'\nrule = 'scan-limit'\n", 2, "it cannot be suppressed"),
        ("path = 'a'\nrule = 'scan-malformed'\n", 2, "it cannot be suppressed"),
        ("path = 'a'\nrule = 'remote-code-auto-map'\n", 2, "is not suppressed but pinned"),
        ("path = 'a'\nsha256 = 'AB'\n", 2, "expected 64 lower-case hexadecimal digits"),
        ("path = 'a'\nexpires = '2031-12-31'\n", 2, "without quotes, found a string"),
        ("path = 'a'\nexpires = 2031-12-31T00:00:00Z\n", 2, "found a date or time"),
        ("path = 'a'\nreason = ''\n", 2, "'reason' is empty"),
        ("path = 'a'\nuntil = 1\n", 2, "unknown key 'until'"),
        ("path = 'a'\n", 0, "'expires' is missing"),
        ("path = 'a'\n", 0, "'reason' is missing"),
        ("path = 'a'\n", 0, "'rule' is missing"),
    ],
)
def test_problem_in_a_suppression(body: str, line: int, fragment: str) -> None:
    """A suppression names one rule, some files, a reason and a last day."""
    text = BASE + rule_text(UNSIGNED) + f"[[rule.scan.suppress]]\n{body}"
    message = problems_of(text)
    start = BASE.count("\n") + rule_text(UNSIGNED).count("\n") + 1
    assert fragment in message
    if line:
        assert f"p.toml:{start + line}: rule 1: suppression 1: " in message


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


def test_unsupported_format_can_be_suppressed() -> None:
    """That a format has no analyzer is the one gap that can be accepted, by file."""
    (rule,) = policy_of(
        UNSIGNED,
        'scan = { suppress = [{ rule = "scan-unsupported", path = "logo.png", reason = "r", expires = 2031-01-01 }] }',
    ).rules
    assert rule.scan.suppress[0].sha256 is None


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


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("", "p.toml:1: top level: 'version' is missing"),
        ("version = 2\n", "p.toml:1: top level: 'version': expected 1, found 2"),
        ("version = '1'\n", "'version': expected an integer, found a string"),
        ("version = 1\n", "no rule: nothing would ever be allowed"),
        ("version = 1\nrule = []\n", "p.toml:2: top level: 'rule' lists nothing"),
        ("version = 1\n[rule]\n", "p.toml:2: top level: 'rule': expected a list of tables"),
        ("version = 1\ntrust = 1\n", "p.toml:2: top level: 'trust': expected a table"),
        ("version = 1\n[trust]\n", "p.toml:2: trust: has no entry"),
        ("version = 1\n[trust]\nx = 1\n", "p.toml:3: trust: 'x': expected a table"),
        ("version = 1\n\n[rules]\n", "p.toml:3: top level: unknown key 'rules'"),
    ],
)
def test_problem_at_the_top(text: str, fragment: str) -> None:
    """The document has a version, at least one rule, and nothing unknown."""
    assert fragment in problems_of(text)


def test_all_problems_are_raised_at_once() -> None:
    """One error names every problem, in the order of lines."""
    message = problems_of(
        "version = 2\n[trust.x]\nmethod = 'key'\n[[rule]]\nmatch = ['a?']\nboundary = ['load']\n"
    )
    assert message == (
        "p.toml: 4 problems:"
        "\n  p.toml:1: top level: 'version': expected 1, found 2"
        "\n  p.toml:2: trust.x: 'public-key' is missing"
        "\n  p.toml:4: rule 1: 'signature' is missing: say who has to sign, or signature = "
        "{ required = false }"
        "\n  p.toml:5: rule 1: 'match': 'a?' has ?: only * (within a name) and ** (across /) "
        "have a meaning\n [policy-malformed]"
    )


def test_problems_are_bounded() -> None:
    """Of very many problems the first are named and the others counted."""
    keys = "".join(f"k{i} = 1\n" for i in range(MAX_POLICY_PROBLEMS + 7))
    message = problems_of(f"version = 1\n{keys}{rule_text(UNSIGNED)}")
    assert f"{MAX_POLICY_PROBLEMS + 7} problems:" in message
    assert message.count("unknown key") == MAX_POLICY_PROBLEMS
    assert "and 7 more" in message


def test_rules_are_bounded() -> None:
    """A policy has at most so many rules, and exactly so many are fine."""
    text = "version = 1\n" + rule_text(UNSIGNED) * MAX_POLICY_RULES
    assert len(parse_policy(text.encode(), path=None).rules) == MAX_POLICY_RULES
    assert "more than 1000 rules" in problems_of(text + rule_text(UNSIGNED))


def test_hostile_values_are_shown_escaped_and_cut() -> None:
    """A value in a message stays on its line and is not longer than it needs to be."""
    message = problems_of(BASE + rule_text(f'remote-code = "\\u001b[2J\\n{"x" * 500}"', UNSIGNED))
    assert "\x1b" not in message
    assert "\n" not in message
    assert "x" * 100 not in message


@pytest.mark.parametrize(
    ("data", "fragment"),
    [
        (b"version = 1\n[", "p.toml:2: not valid TOML: "),
        (b"version = 1\nversion = 1\n", "p.toml:2: not valid TOML: Cannot overwrite a value"),
        (b"version = 1\n[trust.a]\n[trust.a]\n", "p.toml:3: not valid TOML: Cannot declare"),
        (b'version = 1\nx = "', "p.toml:2: not valid TOML: "),
        (b"version = 1\nx = \xff\n", "p.toml:2: the file is not UTF-8"),
        (b"version = 1" + b"0" * 4000, "p.toml:1"),
        (b"x = " + b"[" * 4000, "p.toml: the file nests too deeply"),
        (b"x = " + b"1" * MAX_POLICY_LINE_CHARS, "p.toml:1: the line is too long"),
        (b"#" * (MAX_POLICY_BYTES + 1), "p.toml: the file is too large"),
        (b"version = 0x" + b"f" * 4000, "expected 1, found a number far outside"),
    ],
)
def test_data_that_is_no_toml(data: bytes, fragment: str) -> None:
    """What is not TOML within the bounds is a policy error with its line, whatever it is."""
    with pytest.raises(PolicyError) as caught:
        Policy.from_toml(data, path="p.toml")
    assert fragment in str(caught.value)


def test_syntax_error_without_a_place() -> None:
    """An error of the TOML reader that names no line is reported for the file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tomllib, "loads", _refuse)
        with pytest.raises(PolicyError, match=r"^p\.toml: not valid TOML: too many digits "):
            Policy.from_toml(b"", path="p.toml")


def _refuse(_text: str) -> dict[str, object]:
    raise ValueError("too many digits")


def test_policy_without_a_path() -> None:
    """A policy made in memory has no path, and its keys are relative to the current directory."""
    policy = policy_of(UNSIGNED, path=None)
    assert policy.path is None
    assert policy.directory == Path()
    with pytest.raises(PolicyError, match=r"^policy:1: "):
        Policy.from_toml(b"version = 2\n" + rule_text(UNSIGNED).encode(), path=None)


def test_from_file(tmp_path: Path) -> None:
    """A policy file is read as its bytes say."""
    file = tmp_path / "weighbridge.toml"
    file.write_text(BASE + rule_text(UNSIGNED))
    policy = Policy.from_file(file)
    assert policy == Policy.from_toml(file.read_bytes(), path=str(file))
    assert policy.directory == tmp_path


def test_from_file_that_is_missing(tmp_path: Path) -> None:
    """A missing policy file is an error of its own, with what to do."""
    with pytest.raises(UsageError, match="policy init") as caught:
        Policy.from_file(tmp_path / "weighbridge.toml")
    assert caught.value.code is Code.REFERENCE_NOT_FOUND


@pytest.mark.parametrize("name", ["\0", "x" * 300])
def test_from_file_with_an_impossible_name(name: str) -> None:
    """A path that the system refuses is an operation error."""
    with pytest.raises(OperationError) as caught:
        Policy.from_file(name)
    assert caught.value.code is Code.IO_FAILED


def test_from_file_that_is_no_file(tmp_path: Path) -> None:
    """A directory or a pipe is refused without being opened."""
    with pytest.raises(PolicyError, match="a regular file"):
        Policy.from_file(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PolicyError, match="a regular file"):
        Policy.from_file(tmp_path / "pipe")


def test_from_file_that_is_too_large(tmp_path: Path) -> None:
    """A file over the bound is refused, however it goes on."""
    file = tmp_path / "weighbridge.toml"
    file.write_bytes(b"\n" * (MAX_POLICY_BYTES + 1))
    with pytest.raises(PolicyError, match="too large"):
        Policy.from_file(file)


def test_pins_are_digests() -> None:
    """Each pin is a SHA-256 in hexadecimal, and each wrong one is named."""
    text = BASE + rule_text('remote-code = "pinned"', 'remote-code-digests = ["x"]', UNSIGNED)
    message = problems_of(text)
    assert f"p.toml:{FIRST_LINE + 1}: rule 1: 'remote-code-digests': expected 64" in message
    (rule,) = policy_of(
        UNSIGNED, 'remote-code = "pinned"', f'remote-code-digests = ["{sha256(1).hex}"]'
    ).rules
    assert rule.remote_code_digests == {sha256(1)}


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
