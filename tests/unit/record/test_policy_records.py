"""What a policy would do is shown whole, as text and as JSON."""

from support.policies import NOW, policy_of
from support.records import HOSTILE
from weighbridge.policy.cases import parse_cases
from weighbridge.policy.rehearsal import CaseResult, run_cases
from weighbridge.policy.schema import Policy
from weighbridge.policy.selection import select_rule
from weighbridge.record.json_policy import cases_document, explanation_document
from weighbridge.record.text_policy import cases_text, explanation_text

POLICY = Policy.from_toml(
    b"""version = 1
[[rule]]
name = "prod"
match = ["prod/*"]
boundary = ["deploy"]
signature = { required = false }
[[rule]]
match = ["**"]
boundary = ["load"]
signature = { required = false }
""",
    path="p.toml",
)


def results() -> tuple[CaseResult, ...]:
    """Return one case that passes and one that fails."""
    text = """version = 1
[[case]]
name = "good"
reference = "a"
boundary = "load"
files = { "a.json" = "json" }
expect = "allow"
[[case]]
name = "bad"
reference = "a"
boundary = "load"
files = { "a.json" = "json" }
expect = "allow"
gaps = [{ stage = "scan", code = "scan-timeout", path = "a.json" }]
"""
    policy = policy_of("signature = { required = false }")
    return run_cases(policy, parse_cases(text.encode(), path="c.toml"), now=NOW)


def test_explanation() -> None:
    """The deciding rule comes first, then why each earlier one does not decide."""
    selection = select_rule(POLICY, names=("prod/a",), boundary="load")
    assert explanation_text(selection) == (
        "rule 2 (**) decides, line 7\n"
        "  ** matches prod/a\n"
        "  boundary load\n"
        "  names    prod/a\n"
        "\n"
        "Looked at before\n"
        "  rule 1 (prod), line 2: is for deploy, not for load\n"
    )
    assert explanation_document(selection) == {
        "schema": "weighbridge.explanation/v1",
        "boundary": "load",
        "names": ["prod/a"],
        "rule": {
            "index": 1,
            "label": "rule 2 (**)",
            "line": 7,
            "pattern": "**",
            "name": "prod/a",
        },
        "considered": [
            {
                "index": 0,
                "label": "rule 1 (prod)",
                "line": 2,
                "reason": "is for deploy, not for load",
            }
        ],
    }


def test_explanation_without_a_rule() -> None:
    """That no rule decides means deny, and a reference without a name is called that."""
    selection = select_rule(POLICY, names=(), boundary="upload")
    text = explanation_text(selection)
    assert text.startswith("No rule decides: denied\n  boundary upload\n  names    none: ")
    assert explanation_document(selection)["rule"] is None


def test_first_rule_was_preceded_by_none() -> None:
    """When the first rule decides nothing was looked at before, and names are escaped."""
    selection = select_rule(POLICY, names=("prod/" + HOSTILE,), boundary="deploy")
    text = explanation_text(selection)
    assert "Looked at before" not in text
    assert all(line.isprintable() for line in text.split("\n"))


def test_cases() -> None:
    """Each case has a line, and a failed one what is wrong and why."""
    assert cases_text(results()) == (
        "pass  good: allow\n"
        "FAIL  bad: deny\n"
        "      expected allow, found deny\n"
        "      deny: not wholly scanned: assumed by the case [scan-timeout]\n"
        "\n"
        "2 cases, 1 failed\n"
    )
    document = cases_document(results())
    assert (document["schema"], document["passed"]) == ("weighbridge.policy-test/v1", False)
    assert cases_document(results()[:1])["passed"] is True
    cases = document["cases"]
    assert isinstance(cases, list)
    assert isinstance(cases[1], dict)
    assert set(cases[1]) == {"name", "line", "expect", "passed", "problems", "verdict"}
    assert cases[1]["problems"] == ["expected allow, found deny"]
