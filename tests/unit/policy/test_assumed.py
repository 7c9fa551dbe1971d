"""Cases of a policy can assume builds and signatures among the claims."""

import pytest

from support.policies import NOW
from weighbridge.core.errors import PolicyError
from weighbridge.policy.assumed import AssumedBuild, AssumedSignature
from weighbridge.policy.cases import CASES_NAME, parse_cases
from weighbridge.policy.rehearsal import run_cases
from weighbridge.policy.schema import Policy

POLICY = """
version = 1
[trust.meta]
method = "key"
public-key = "meta.pub"
[trust.ci]
method = "sigstore"
identity = "https://github.com/acme/train/.github/workflows/build.yml@refs/heads/main"
issuer = "https://token.actions.githubusercontent.com"
[builder.ci]
id = "https://ci.example/runner"
signed-by = "ci"
max-level = 3
[[rule]]
match = ["hf://meta/*"]
boundary = ["load"]
signature = { any-of = ["meta"] }
[[rule]]
match = ["models/**"]
boundary = ["load"]
signature = { required = false }
lineage = { inputs = "must-match-a-rule" }
[rule.provenance]
builder = ["ci"]
source = "git+https://git.example/acme/train@refs/heads/main"
parameters = { command = ["python", "train.py"] }
"""
CASE = """
version = 1
[[case]]
name = "a fine-tuned model"
reference = "models/tuned"
boundary = "load"
files = { "model.safetensors" = "safetensors" }
expect = "%s"
"""
BUILD = (
    'builder = "ci", source = "git+https://git.example/acme/train@refs/heads/main", '
    'parameters = { command = ["python", "train.py"] }, inputs = ["hf://meta/llama"]'
)
SIGNED = 'signed = [{ of = "hf://meta/llama", signer = "meta" }]'


def problems(expect: str, *lines: str) -> tuple[str, ...]:
    """Return what is not as expected of the one case with *lines*."""
    policy = Policy.from_toml(POLICY.encode(), path=None)
    text = "\n".join([CASE % expect, *lines])
    (result,) = run_cases(policy, parse_cases(text.encode(), path=CASES_NAME), now=NOW)
    return result.problems


def test_a_model_with_its_lineage_is_rehearsed() -> None:
    """A build by the builder, of a parent that its signer signed, is allowed."""
    assert problems("allow", f"builds = [{{ {BUILD} }}]", SIGNED) == ()


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([SIGNED], "provenance-missing"),
        ([f"builds = [{{ {BUILD} }}]"], "lineage-signer"),
        ([f'builds = [{{ {BUILD}, signer = "meta" }}]', SIGNED], "provenance-builder"),
        ([f'builds = [{{ {BUILD}, id = "https://x.example" }}]', SIGNED], "provenance-builder"),
        ([f'builds = [{{ {BUILD}, build-type = "urn:x" }}]', SIGNED], "provenance-build-type"),
        ([f'builds = [{{ {BUILD}, of = "models/other" }}]', SIGNED], "provenance-missing"),
        ([f"builds = [{{ {BUILD.replace('main', 'evil')} }}]", SIGNED], "provenance-source"),
        ([f"builds = [{{ {BUILD.replace('train.py', 'x')} }}]", SIGNED], "provenance-parameter"),
        ([f"builds = [{{ {BUILD.replace('meta/', 'evil/')} }}]", SIGNED], "lineage-no-rule"),
        (['builds = [{ builder = "ci" }]', SIGNED], "provenance-source"),
    ],
)
def test_each_substitution_is_denied(lines: list[str], code: str) -> None:
    """What is assumed otherwise than the rule demands is denied, with its code."""
    assert problems("deny", *lines, f'codes = ["{code}"]') == ()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('builds = [{ builder = "nobody" }]', "'builder': no [builder.nobody]"),
        ('builds = [{ builder = "ci", signer = "nobody" }]', "'signer': no [trust.nobody]"),
        ('signed = [{ of = "a", signer = "nobody" }]', "'signer': no [trust.nobody]"),
    ],
)
def test_whom_the_policy_does_not_have_is_a_problem(line: str, problem: str) -> None:
    """A name that the policy lacks is a mistake of the case."""
    assert problem in problems("deny", line)


def test_what_is_assumed_is_read() -> None:
    """Every key is read into its value."""
    line = (
        'builds = [{ of = "b", builder = "ci", signer = "meta", id = "urn:i", build-type = "urn:t", '
        'source = "git+a@b", parameters = { x = "y", z = ["p", "p"] }, inputs = ["c"] }]'
    )
    (case,) = parse_cases("\n".join([CASE % "deny", line, SIGNED]).encode(), path=CASES_NAME)
    assert case.builds == (
        AssumedBuild(
            of="b",
            builder="ci",
            signer="meta",
            id="urn:i",
            build_type="urn:t",
            source="git+a@b",
            parameters=(("x", '"y"'), ("z", '["p", "p"]')),
            inputs=("c",),
        ),
    )
    assert case.signed == (AssumedSignature(of="hf://meta/llama", signer="meta"),)


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        ("builds = [{}]", "'builder' is missing"),
        ("builds = [{ builder = 'ci', level = 3 }]", "unknown key 'level'"),
        ("builds = [{ builder = 'ci', parameters = { a = 1 } }]", "expected a string"),
        ("signed = [{ of = 'a' }]", "'signer' is missing"),
        ("signed = {}", "expected a list of tables"),
    ],
)
def test_a_mistake_is_named(line: str, fragment: str) -> None:
    """Cases are read as strictly as policies."""
    with pytest.raises(PolicyError, match=fragment.replace("[", r"\[")):
        parse_cases("\n".join([CASE % "deny", line]).encode(), path=CASES_NAME)
