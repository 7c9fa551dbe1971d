"""Cases beside a policy are read strictly and run over made-up evidence."""

from datetime import date

import pytest

from support.policies import NOW, policy_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.errors import PolicyError
from weighbridge.core.limits.policy import MAX_POLICY_RULES
from weighbridge.core.verdict import Decision
from weighbridge.policy.cases import CASES_NAME, parse_cases
from weighbridge.policy.rehearsal import run_cases

CASE = """[[case]]
name = "release"
reference = "models/bert"
boundary = "load"
files = { "config.json" = "json", "model.safetensors" = "safetensors" }
signers = ["hsm"]
expect = "allow"
"""
HEAD = "version = 1\n"


def run_one(text: str, *rule: str) -> tuple[str, ...]:
    """Return the problems of the one case in *text* under a policy with *rule*."""
    policy = policy_of(*(rule or ('signature = { any-of = ["hsm", "spare"] }',)))
    (result,) = run_cases(policy, parse_cases(text.encode(), path=CASES_NAME), now=NOW)
    assert result.passed is not bool(result.problems)
    return result.problems


def test_case_is_read() -> None:
    """Every key of a case is read into its value."""
    more = """
findings = [{ rule = "x", path = "config.json", severity = "low" }]
gaps = [{ stage = "scan", code = "scan-timeout", path = "config.json" }, { stage = "signature", code = "key-mismatch" }]
uncovered = ["config.json"]
day = 2031-01-01
codes = ["x"]
"""
    (case,) = parse_cases((HEAD + CASE + more).encode(), path=CASES_NAME)
    assert (case.name, case.line) == ("release", 2)
    assert (case.reference, case.boundary) == ("models/bert", "load")
    assert case.files == (
        ("config.json", FileFormat.JSON),
        ("model.safetensors", FileFormat.SAFETENSORS),
    )
    assert [f.rule for f in case.findings] == ["x"]
    assert [(g.code, g.path) for g in case.gaps] == [
        ("scan-timeout", "config.json"),
        ("key-mismatch", None),
    ]
    assert (case.signers, case.uncovered) == (("hsm",), ("config.json",))
    assert (case.day, case.expect, case.codes) == (date(2031, 1, 1), Decision.ALLOW, ("x",))


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        ("surprise = 1", "unknown key 'surprise'"),
        ("codes = []", "'codes' lists nothing"),
        ("day = '2031-01-01'", "expected a date"),
        ("uncovered = ['absent']", "'uncovered': 'absent' is not a file"),
        ("findings = [{}]", "'rule' is missing"),
        ("findings = [{ rule = 'x', path = 'a', severity = 'bad' }]", "expected one of low"),
        ("gaps = [{}]", "'stage' is missing"),
        ("gaps = [{ stage = 'scan', code = 'no' }]", "found 'no'"),
        ("gaps = [{ stage = 'scan', code = 'usage', x = 1 }]", "unknown key 'x'"),
    ],
)
def test_problem_in_a_case(line: str, fragment: str) -> None:
    """Each mistake in a case is named at its own line."""
    with pytest.raises(PolicyError) as caught:
        parse_cases((HEAD + CASE + line).encode(), path=CASES_NAME)
    assert fragment in str(caught.value)
    assert f"{CASES_NAME}:9: case 1" in str(caught.value)


@pytest.mark.parametrize("key", ["name", "reference", "boundary", "files", "expect"])
def test_missing_key(key: str) -> None:
    """A case has a name, a reference, a boundary, files and an expectation."""
    text = HEAD + "\n".join(line for line in CASE.splitlines() if not line.startswith(key))
    with pytest.raises(PolicyError, match=f"'{key}' is missing"):
        parse_cases(text.encode(), path=CASES_NAME)


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        (HEAD, "no case: nothing would be tested"),
        (CASE, "'version' is missing"),
        (HEAD + "extra = 1\n" + CASE, "unknown key 'extra'"),
        (HEAD + CASE + CASE, "case 2: another case is called 'release'"),
        (HEAD + CASE.replace('"json"', '"word"'), "'config.json': expected one of"),
        (HEAD + CASE.replace('"config.json"', '"a\\nb"').replace('"json"', "1"), "'a\\nb'"),
        (HEAD + "case = []", "'case' lists nothing"),
    ],
)
def test_problem_in_the_file(text: str, fragment: str) -> None:
    """A file of cases has a version, cases with different names, and nothing unknown."""
    with pytest.raises(PolicyError) as caught:
        parse_cases(text.encode(), path=CASES_NAME)
    assert fragment in str(caught.value)


def test_cases_are_bounded() -> None:
    """A file has at most so many cases, and exactly so many are fine."""
    many = "".join(CASE.replace("release", f"r{i}") for i in range(MAX_POLICY_RULES + 1))
    with pytest.raises(PolicyError, match="more than 1000 cases"):
        parse_cases((HEAD + many).encode(), path=CASES_NAME)
    fewer = many[: many.index('"r1000"') - len("[[case]]\nname = ")]
    assert len(parse_cases((HEAD + fewer).encode(), path=CASES_NAME)) == MAX_POLICY_RULES


def test_passing_case() -> None:
    """A case that comes out as expected has no problem."""
    assert run_one(HEAD + CASE) == ()
    assert run_one(HEAD + CASE + 'codes = ["allowed"]') == ()


@pytest.mark.parametrize(
    ("change", "more", "problems"),
    [
        (("allow", "deny"), "", ("expected deny, found allow",)),
        (('["hsm"]', '["corp"]'), "", ("expected allow, found deny",)),
        (("x", "x"), 'uncovered = ["config.json"]', ("expected allow, found deny",)),
        (('"json"', '"pickle"'), "", ("expected allow, found deny",)),
        (
            ("x", "x"),
            'findings = [{ rule = "r", path = "config.json", severity = "high" }]',
            ("expected allow, found deny",),
        ),
        (
            ("x", "x"),
            'gaps = [{ stage = "scan", code = "scan-crashed", path = "config.json" }]',
            ("expected allow, found deny",),
        ),
        (("x", "x"), 'codes = ["r"]', ("expected a reason 'r', found allowed",)),
        (
            ('["hsm"]', '["hsm", "no\\none"]'),
            "",
            ("'signers': no [trust.no\\none]",),
        ),
        (
            ('{ "config.json" = "json", "model.safetensors" = "safetensors" }', "{}"),
            "",
            ("expected allow, found deny",),
        ),
    ],
)
def test_failing_case(change: tuple[str, str], more: str, problems: tuple[str, ...]) -> None:
    """Each thing that a case assumes counts, and what is not as expected is said."""
    assert run_one(HEAD + CASE.replace(*change) + more) == problems


def test_signers_are_different() -> None:
    """Two signers of a case are two keys or certificates."""
    rule = 'signature = { any-of = ["hsm", "spare", "corp"], threshold = 3 }'
    three = CASE.replace('["hsm"]', '["hsm", "spare", "corp"]')
    assert run_one(HEAD + three, rule) == ()
    assert run_one(HEAD + CASE, rule) == ("expected allow, found deny",)


def test_day_of_a_case() -> None:
    """A case with a day is judged on that day, any other on the day of the test."""
    rule = (
        'signature = { any-of = ["hsm"] }',
        (
            'scan = { suppress = [{ rule = "r", path = "config.json", reason = "x", '
            "expires = 2031-05-17 }] }"
        ),
    )
    finding = 'findings = [{ rule = "r", path = "config.json", severity = "high" }]\n'
    assert run_one(HEAD + CASE + finding, *rule) == ()
    assert run_one(HEAD + CASE + finding + "day = 2031-05-17", *rule) == ()
    late = run_one(HEAD + CASE + finding + "day = 2031-05-18", *rule)
    assert late == ("expected allow, found deny",)


def test_reference_and_boundary_of_a_case() -> None:
    """A case is decided by the rule for its reference at its boundary."""
    text = HEAD + CASE.replace("models/bert", "models/../bert").replace('"allow"', '"deny"')
    assert run_one(text + 'codes = ["policy-no-match"]') == ()
