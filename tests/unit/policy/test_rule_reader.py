"""Rules of a policy are read strictly: each key of each table."""

import pytest

from support.policies import UNSIGNED, policy_of, rule_text
from support.policy_texts import BASE, FIRST_LINE, RULE_LINE, problems_of
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.limits.policy import (
    MAX_POLICY_SIGNERS,
)
from weighbridge.policy.glob import Glob
from weighbridge.policy.origin_reader import age_text
from weighbridge.policy.rule import (
    LineageControl,
    LineageInputs,
    ProvenanceControl,
    ReceiptControl,
)
from weighbridge.policy.schema import parse_policy

HEX = "ab" * 32
LINEAGE = "lineage = { inputs = 'must-match-a-rule'"
PROVENANCE = "provenance = { builder = ['runner']"
PINNED = f"policy = 'sha256:{HEX}'"
RECEIPT = f"max-age = '1d', {PINNED}"


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
        ("isolation = { gpus = 1 }", "'gpus'"),
        ("isolation = { interfaces = 'lo' }", "'interfaces'"),
        ("isolation = { unpickle = 'all' }", "expected one of judged, anything; found 'all'"),
        ("isolation = { unpickle = true }", "'unpickle'"),
        ("isolation = { engines = ['docker'] }", "'engines': 'docker' is none of"),
        ("isolation = { engines = [] }", "'engines'"),
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
        ("isolation = { env = ['A', 'B=1'] }", "'env': 'B=1' has a value"),
        ('isolation = { read = ["a\\u0000b"] }', "'read' has a null character"),
        ('name = "a\\u0000b"', "'name' has a null character"),
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


def test_unsupported_format_can_be_suppressed() -> None:
    """That a format has no analyzer is the one gap that can be accepted, by file."""
    (rule,) = policy_of(
        UNSIGNED,
        'scan = { suppress = [{ rule = "scan-unsupported", path = "logo.png", reason = "r", expires = 2031-01-01 }] }',
    ).rules
    assert rule.scan.suppress[0].sha256 is None
