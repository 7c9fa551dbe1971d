"""A policy is read strictly: every problem is named, with its line, in one error."""

import hashlib
import os
import tomllib
from datetime import date
from pathlib import Path
from typing import NoReturn

import pytest

from support.policies import UNSIGNED, policy_of, rule_text, sha256
from support.policy_texts import BASE, FIRST_LINE, problems_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError, PolicyError, UsageError
from weighbridge.core.evidence import Severity
from weighbridge.core.identity import SigningMethod
from weighbridge.core.limits.policy import (
    MAX_POLICY_BYTES,
    MAX_POLICY_LINE_CHARS,
    MAX_POLICY_PROBLEMS,
    MAX_POLICY_RULES,
)
from weighbridge.policy.glob import Glob, IdentityGlob
from weighbridge.policy.rule import (
    FormatControl,
    LineageInputs,
    Network,
    OnGap,
    ProvenanceControl,
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
    KeyTrust,
    SigstoreTrust,
)

HEX = "ab" * 32

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


def test_a_policy_that_may_not_be_read_is_said_without_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message has the system's words, and neither its number nor the path twice."""
    file = tmp_path / "weighbridge.toml"
    file.touch()

    def fail(*_: object, **__: object) -> NoReturn:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(OperationError) as caught:
        Policy.from_file(file)
    assert str(caught.value) == f"{file}: the policy cannot be read: Permission denied [io-failed]"


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
