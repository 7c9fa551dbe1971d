"""
The worked pipeline: made step by step, deployed, and denied as soon as anything is another one.

Every step runs for real, with real keys. What is exchanged, and the reason that has to follow, is
in the table of `support.substitutions`.
"""

import json
import random
import shutil
from pathlib import Path

import pytest

from support.claim_edits import SERVED
from support.substitutions import Substitution, substitutions
from support.worked_pipeline import (
    Claims,
    StepError,
    Workshop,
    make_served,
    make_workshop,
    write_texts,
)
from weighbridge.core.lineage import Standing
from weighbridge.core.verdict import Decision, Verdict
from weighbridge.pipeline.check import check
from weighbridge.policy.schema import Policy

TABLE = list(substitutions())


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Run the whole pipeline once."""
    workshop = make_workshop(tmp_path_factory.mktemp("workshop") / "w")
    make_served(workshop)
    return workshop


@pytest.fixture(scope="module")
def another(finished: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Run it again with the same keys and other data, signed by the same people."""
    root = tmp_path_factory.mktemp("workshop") / "w"
    workshop = make_workshop(root)
    shutil.rmtree(root / "keys")
    shutil.copytree(finished.root / "keys", root / "keys")
    write_texts(root / "data" / "texts", seed=2)
    workshop.sign("models/base", "publisher")
    workshop.sign("data/texts", "data-team")
    make_served(workshop)
    return workshop


@pytest.fixture
def copy(finished: Workshop, tmp_path: Path) -> Workshop:
    """Return a copy of the finished workshop, to change something in."""
    return Workshop(Path(shutil.copytree(finished.root, tmp_path / "w", symlinks=True)))


def verdict_of(workshop: Workshop) -> Verdict:
    """Return what the policy says of the served model at the boundary `deploy`."""
    policy = Policy.from_file(workshop.path("weighbridge.toml"))
    return check(workshop.path(SERVED), policy=policy, boundary="deploy")


def test_whole_pipeline(finished: Workshop) -> None:
    """What every step made as it should is allowed, with its lineage down to the base."""
    verdict = verdict_of(finished)
    assert verdict.decision is Decision.ALLOW
    assert verdict.lineage is not None
    assert {node.standing for node in verdict.lineage.nodes} == {Standing.HOLDS}
    assert [node.artifact.name for node in verdict.lineage.nodes] == [
        "served",
        "acme/converted",
        "acme/tuned",
        "hub/publisher/base",
        "acme/texts",
    ]
    (built,) = verdict.provenance
    assert (built.builder, built.level) == ("quantizer", 2)


def test_another_run(another: Workshop) -> None:
    """The same steps with other data, signed by whom the rule wants, are allowed as well."""
    assert verdict_of(another).decision is Decision.ALLOW


def test_enough_substitutions() -> None:
    """The table has no name twice, and far more entries than forty."""
    names = [each.name for each in TABLE]
    assert len(names) == len(set(names))
    assert len(names) >= 40


@pytest.mark.parametrize("substitution", TABLE, ids=lambda each: each.name)
def test_substitution(substitution: Substitution, copy: Workshop, another: Workshop) -> None:
    """Exchanging one thing for another one is denied, and a reason names what is broken."""
    substitution.change(copy, another)
    verdict = verdict_of(copy)
    assert verdict.decision is Decision.DENY
    against = [reason for reason in verdict.reasons if reason.blocking]
    assert any(
        reason.code.startswith(substitution.code)
        and reason.decision is Decision.DENY
        and substitution.words in reason.message
        for reason in against
    ), "\n".join(f"{reason.code}: {reason.message}" for reason in against)


class TestNothingElseMatters:
    """What is no part of the chain changes nothing."""

    def test_order(self, copy: Workshop) -> None:
        """Claims in another order, some of them twice, lead to the same verdict."""
        claims = Claims(copy.path(SERVED))
        claims.lines += claims.lines[:2]
        random.Random(7).shuffle(claims.lines)
        claims.save()
        assert verdict_of(copy).decision is Decision.ALLOW

    def test_other_claims(self, copy: Workshop, another: Workshop) -> None:
        """Claims about other models, broken ones and those by strangers change nothing."""
        claims, others = Claims(copy.path(SERVED)), Claims(another.path(SERVED))
        statement = claims.statement(claims.find("served"))
        claims.replace(0, claims.statement(0), copy.signer("publisher"))
        extra = Claims(copy.path(SERVED))
        extra.replace(extra.find("served"), statement, copy.signer("stranger"))
        claims.lines = [b"{}", *others.lines, *extra.lines, b"nonsense", *claims.lines]
        claims.save()
        assert verdict_of(copy).decision is Decision.ALLOW


class TestLineageCommand:
    """`weighbridge lineage` shows what a check would say of the lineage."""

    WORDS = ("lineage", SERVED, "--policy", "weighbridge.toml", "--boundary", "deploy")

    def test_holds(self, finished: Workshop) -> None:
        """A lineage that holds is drawn, with who signed what."""
        text = finished.run(*self.WORDS)
        assert "hub/publisher/base" in text
        assert "signed by publisher" in text
        assert "broken" not in text

    def test_broken(self, copy: Workshop) -> None:
        """In one that does not, the exit code is 10 and the broken part is marked."""
        claims = Claims(copy.path(SERVED))
        del claims.lines[claims.find("base")]
        claims.save()
        with pytest.raises(StepError, match=r": 10\n(.|\n)*lineage-signer"):
            copy.run(*self.WORDS)
        document = json.loads(copy.run(*self.WORDS, "--format", "json", ok=False))
        standings = {each["name"]: each["standing"] for each in document["artifacts"]}
        assert standings == {
            "served": "broken",
            "acme/converted": "broken",
            "acme/tuned": "broken",
            "hub/publisher/base": "broken",
            "acme/texts": "holds",
        }

    def test_claimed(self, finished: Workshop) -> None:
        """Without a policy all of it is claimed."""
        text = finished.run("lineage", SERVED)
        assert "Nobody verified these claims" in text
        assert " holds" not in text

    @pytest.mark.parametrize(("form", "start"), [("mermaid", "flowchart BT"), ("dot", "digraph")])
    def test_graphs(self, finished: Workshop, form: str, start: str) -> None:
        """The graph can be had in other languages."""
        text = finished.run(*self.WORDS, "--format", form)
        assert text.startswith(start)
        assert "acme/converted" in text
