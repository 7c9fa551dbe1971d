"""Tests of the control `provenance`: which builds count, and why the others do not."""

from dataclasses import replace

import pytest

from support.built_models import GOOD, HEAD, MODEL, SOURCE, policy_of, refused, said
from support.lineages import artifact_of, build_of
from support.policies import (
    DIGESTS,
    FILES,
    LOCAL,
    RUNNER,
    blocking_codes,
    certificate_identity,
    gap_of,
    inventory_of,
    judge,
    naming_of,
    sha256,
)
from weighbridge.core.artifact import ArtifactDigests
from weighbridge.core.attestation import (
    Source,
)
from weighbridge.core.codes import Code
from weighbridge.core.evidence import Stage
from weighbridge.core.verdict import Decision
from weighbridge.policy.controls.provenance import (
    BuildSubject,
    asks_for_claims,
    assess,
)
from weighbridge.policy.schema import Policy


class TestBuilder:
    """Who built it: the builder's id and the one who signs for it, both."""

    def test_a_build_by_the_builder_counts_and_is_listed(self) -> None:
        """The verdict names builder, level, build type and source of what it rests on."""
        verdict = judge(policy_of(), said(build_of(source=SOURCE, run="run 7")))
        assert verdict.decision is Decision.ALLOW
        (found,) = verdict.provenance
        assert (found.trust, found.builder, found.level) == ("runner", "runner", 3)
        assert found.builder_id == "https://github.com/actions/runner/github-hosted"
        assert found.source == "git+https://git.example/acme/train@refs/heads/main"
        assert found.subjects == (sha256(98), sha256(97))
        assert found.invocation_id == "run 7"
        assert "built by https://github.com/actions/runner/github-hosted" in "".join(
            reason.message for reason in verdict.reasons
        )

    def test_without_a_claim_nothing_is_believed(self) -> None:
        """That nobody says how it was built is a deny."""
        verdict = judge(policy_of())
        assert verdict.decision is Decision.DENY
        assert blocking_codes(verdict) == ["provenance-missing"]
        assert verdict.provenance == ()

    @pytest.mark.parametrize("trust", ["alice", "hsm", "laptop"])
    def test_a_trusted_signer_who_is_not_the_builder_s_counts_for_nothing(self, trust: str) -> None:
        """A signer whom the policy trusts for something else does not sign for the builder."""
        verdict = judge(policy_of(), said(build_of(), trust=trust))
        refused(verdict, Code.PROVENANCE_BUILDER, f"it is signed by {trust}")

    @pytest.mark.parametrize(
        ("ref", "counts"),
        [
            ("refs/tags/v1.4.0", True),
            ("refs/tags/v2", True),
            ("refs/tags/", False),
            ("refs/tags/v1/x", False),
            ("refs/tags/v1@evil", False),
            ("refs/heads/main", False),
            ("refs/tags/*", False),
        ],
    )
    def test_a_workflow_at_any_tag_may_be_one_builder(self, ref: str, counts: bool) -> None:
        """The ref of a workflow may be a pattern, whose wildcards stand for no more than a ref."""
        workflow = "https://github.com/acme/train/.github/workflows/release.yml"
        policy = policy_of(head=HEAD.replace(RUNNER, f"{workflow}@refs/tags/*"))
        verdict = judge(policy, said(build_of(builder=f"{workflow}@{ref}")))
        assert (verdict.decision is Decision.ALLOW) == counts
        other = workflow.replace("release", "other")
        verdict = judge(policy, said(build_of(builder=f"{other}@{ref}")))
        refused(verdict, Code.PROVENANCE_BUILDER)

    @pytest.mark.parametrize(
        "builder",
        [
            LOCAL,
            "https://github.com/actions/runner/self-hosted",
            "https://github.com/actions/runner/github-hosted/",
            "HTTPS://github.com/actions/runner/github-hosted",
            "",
        ],
    )
    def test_another_builder_by_the_same_signer_counts_for_nothing(self, builder: str) -> None:
        """The builder's id is compared as it stands."""
        verdict = judge(policy_of(), said(build_of(builder=builder)))
        refused(verdict, Code.PROVENANCE_BUILDER, "runner signs for runner (https://")

    def test_a_builder_whom_the_rule_does_not_list_counts_for_nothing(self) -> None:
        """Another builder of the policy is none of the rule's."""
        claim = said(build_of(builder=LOCAL), trust="laptop")
        refused(judge(policy_of(), claim), Code.PROVENANCE_BUILDER, "is signed by laptop")
        assert judge(policy_of(builder="laptop"), claim).decision is Decision.ALLOW

    def test_an_identity_of_another_kind_counts_for_nothing(self) -> None:
        """A certificate does not count for a trust entry that is a key."""
        claim = replace(GOOD, signer=certificate_identity())
        refused(judge(policy_of(), claim), Code.PROVENANCE_BUILDER)

    def test_one_key_under_two_names_does_not_vouch_for_the_other_s_builder(self) -> None:
        """Of a claim by two entries with one key, that of the builder's own signer counts."""
        twice = (said(build_of(), trust="alice"), GOOD)
        assert judge(policy_of(), *twice).decision is Decision.ALLOW
        refused(judge(policy_of(), twice[0]), Code.PROVENANCE_BUILDER)


class TestLevel:
    """Levels are earned: by who signed, and as far as the policy believes them."""

    @pytest.mark.parametrize(
        ("builder", "least", "decision"),
        [
            ("runner", 3, Decision.ALLOW),
            ("laptop", 1, Decision.ALLOW),
        ],
    )
    def test_a_builder_is_believed_as_far_as_the_policy_says(
        self, builder: str, least: int, decision: Decision
    ) -> None:
        """What the policy believes a builder is the level of what it signs."""
        build = build_of() if builder == "runner" else build_of(builder=LOCAL)
        policy = policy_of(f"min-level = {least}", builder=builder)
        verdict = judge(policy, said(build, trust=builder))
        assert verdict.decision is decision
        assert verdict.provenance[0].level == least

    def test_of_two_entries_for_one_builder_the_better_one_counts(self) -> None:
        """A builder that the rule lists twice is believed as far as either entry says."""
        again = HEAD.replace("[builder.runner]", "[builder.again]").split("[builder.again]")[1]
        again = "[builder.again]" + again.split("[builder")[0].replace("= 3", "= 2")
        for names in ('["runner", "again"]', '["again", "runner"]'):
            rule = f"""
[[rule]]
match = ["**"]
boundary = ["*"]
signature = {{ required = false }}
provenance = {{ builder = {names}, min-level = 3 }}
"""
            policy = Policy.from_toml((HEAD + again + rule).encode(), path=None)
            verdict = judge(policy, GOOD)
            assert verdict.decision is Decision.ALLOW
            assert [(each.builder, each.level) for each in verdict.provenance] == [("runner", 3)]

    def test_a_lower_level_than_demanded_is_refused(self) -> None:
        """Of two builders of a rule, the one that is believed less does not reach its level."""
        text = (
            HEAD
            + """
[[rule]]
match = ["**"]
boundary = ["*"]
signature = { required = false }
provenance = { builder = ["runner", "laptop"], min-level = 2 }
"""
        )
        policy = Policy.from_toml(text.encode(), path=None)
        assert judge(policy, GOOD).decision is Decision.ALLOW
        claim = said(build_of(builder=LOCAL), trust="laptop")
        refused(judge(policy, claim), Code.PROVENANCE_LEVEL, "level 1; expected at least 2")

    @pytest.mark.parametrize(
        "kind", ["https://in-toto.io/attestation/link/v0.3", "https://slsa.dev/provenanceX/v1", ""]
    )
    def test_what_is_no_provenance_by_slsa_earns_no_more_than_level_1(self, kind: str) -> None:
        """A link says who ran which command, and nothing of what was isolated from whom."""
        claim = said(replace(build_of(), predicate_type=kind))
        assert judge(policy_of(), claim).decision is Decision.ALLOW
        refused(judge(policy_of("min-level = 2"), claim), Code.PROVENANCE_LEVEL)


class TestBuildType:
    """Which templates of builds may occur."""

    def test_a_known_one_is_enough_where_the_rule_names_none(self) -> None:
        """An unknown build type is refused unless the rule names it."""
        unknown = said(build_of(build_type="https://acme.example/train/v1"))
        refused(judge(policy_of(), unknown), Code.PROVENANCE_BUILD_TYPE, "acme.example/train/v1")
        named = policy_of('build-type = ["https://acme.example/train/v1"]')
        assert judge(named, unknown).decision is Decision.ALLOW
        refused(judge(named, GOOD), Code.PROVENANCE_BUILD_TYPE)

    def test_a_version_of_it_is_another_one(self) -> None:
        """A build type is compared as it stands."""
        named = policy_of('build-type = ["https://acme.example/train/v1"]')
        later = said(build_of(build_type="https://acme.example/train/v1.1"))
        refused(judge(named, later), Code.PROVENANCE_BUILD_TYPE)


class TestParameters:
    """Every parameter is expected by name, and is what is expected."""

    COMMAND = ("command", '["python","train.py","--lr","1e-4"]')

    @pytest.mark.parametrize(
        ("given", "expected", "holds"),
        [
            ((), "", True),
            ((("lr", '"1"'),), "", False),
            ((("lr", '"1"'),), 'lr = "1"', True),
            ((("lr", "1"),), 'lr = "1"', True),
            ((("lr", "true"),), 'lr = "true"', True),
            ((("lr", '"1"'),), 'lr = "2"', False),
            ((("lr", '"12"'),), 'lr = "1"', False),
            ((("lr", '"12"'),), 'lr = "1*"', True),
            ((("lr", '"1/2"'),), 'lr = "1*"', False),
            ((("lr", '"1/2"'),), 'lr = "1**"', True),
            ((), 'lr = "1"', False),
            ((), 'lr = "*"', False),
            ((), 'lr = "**"', True),
            ((("lr", '""'),), 'lr = "1"', False),
            ((("lr", '""'),), 'lr = "*"', True),
            ((("lr", '"1"'), ("x", '"1"')), 'lr = "1"', False),
            ((("lr", '"1"'), ("lr", '"2"')), 'lr = "1"', False),
            ((("a.b", '"1"'),), '"a.b" = "1"', True),
            ((("LR", '"1"'),), 'lr = "1"', False),
            ((("lr", '"a{b}[c]?"'),), 'lr = "a{b}[c]?"', True),
            ((COMMAND,), 'command = ["python", "train.py", "--lr", "*"]', True),
            ((COMMAND,), 'command = ["python", "train.py", "**"]', True),
            ((COMMAND,), 'command = ["python", "train.py", "--lr", "1e-4", "**"]', True),
            ((COMMAND,), 'command = ["python", "evil.py", "**"]', False),
            ((COMMAND,), 'command = ["evil", "**"]', False),
            ((COMMAND,), 'command = ["python", "train.py", "--lr", "1e-4", "more", "**"]', False),
            ((COMMAND,), 'command = ["**"]', True),
            ((), 'command = ["**"]', True),
            ((COMMAND,), 'command = ["python", "train.py", "*"]', False),
            ((COMMAND,), 'command = ["python", "train.py", "--lr", "1e-4", "*"]', False),
            ((COMMAND,), 'command = ["python", "train.py"]', False),
            ((COMMAND,), 'command = ["python", "**", "1e-4"]', False),
            ((COMMAND,), 'command = "**"', False),
            ((("command", '"python train.py"'),), 'command = ["python train.py"]', False),
            ((("command", '[["a"]]'),), 'command = ["[[]"]', False),
            ((("command", "[1]"),), 'command = ["1"]', True),
            ((("variables", '{"CI":"","X":"1/2"}'),), 'variables = "**"', True),
            ((("variables", '{"CI":"","X":"1/2"}'),), 'variables = "**X**"', True),
            ((("variables", '{"CI":"","X":"1/2"}'),), 'variables = "**Y**"', False),
            ((("variables", '{"CI":""}'),), 'variables = ["**"]', False),
            ((("command", "no json"),), 'command = "**"', False),
            ((("command", "[" * 100_000),), 'command = "**"', False),
        ],
    )
    def test_a_parameter(
        self, given: tuple[tuple[str, str], ...], expected: str, holds: bool
    ) -> None:
        """What nobody expects, what is another value and what is missing is refused."""
        policy = policy_of(f"parameters = {{ {expected} }}")
        verdict = judge(policy, said(build_of(parameters=given)))
        if holds:
            assert verdict.decision is Decision.ALLOW, verdict.reasons
        else:
            refused(verdict, Code.PROVENANCE_PARAMETER)

    def test_each_wrong_parameter_is_named(self) -> None:
        """Whoever writes the policy sees all of them at once."""
        build = build_of(parameters=(("lr", '"1"'), ("seed", "7")))
        verdict = judge(policy_of('parameters = { lr = "2", epochs = "3" }'), said(build))
        refused(verdict, Code.PROVENANCE_PARAMETER, 'the parameter lr is "1"; expected 2')
        refused(verdict, Code.PROVENANCE_PARAMETER, "seed is not expected by the rule: 7")
        refused(verdict, Code.PROVENANCE_PARAMETER, "no parameter epochs; expected 3")

    def test_a_flood_of_parameters_is_cut_short(self) -> None:
        """A build with thousands of parameters does not make thousands of reasons."""
        build = build_of(parameters=tuple((f"p{n:05}", "1") for n in range(5000)))
        verdict = judge(policy_of(), said(build))
        refused(verdict, Code.PROVENANCE_PARAMETER, "p00000 is not expected")
        assert len(verdict.reasons) < 50

    def test_a_name_cannot_fake_another_line(self) -> None:
        """What a statement says is on one line of a reason, and cut where it is long."""
        build = build_of(parameters=(("a\nb", '"' + "x" * 10_000 + '"'),))
        verdict = judge(policy_of(), said(build))
        refused(verdict, Code.PROVENANCE_PARAMETER, "a\\nb")
        assert all(len(reason.message) < 1000 for reason in verdict.reasons)


class TestSource:
    """From what it was built."""

    @pytest.mark.parametrize(
        ("source", "pattern", "holds"),
        [
            (SOURCE, "git+https://git.example/acme/train@refs/heads/main", True),
            (SOURCE, f"git+https://git.example/acme/train@{'a' * 40}", True),
            (SOURCE, "git+https://git.example/acme/train@refs/heads/*", True),
            (SOURCE, "git+https://git.example/acme/train@**", True),
            (SOURCE, "git+https://git.example/acme/train@refs/tags/*", False),
            (SOURCE, "git+https://git.example/acme/train", False),
            (SOURCE, "git+https://git.example/evil/train@**", False),
            (SOURCE, f"git+https://git.example/acme/train@{'b' * 40}", False),
            (None, "git+https://git.example/acme/train@**", False),
            (replace(SOURCE, uri="git+https://git.example/evil/train"), "git+*/*/acme/**", False),
            (replace(SOURCE, ref=None), "git+https://git.example/acme/train@refs/**", False),
            (replace(SOURCE, ref=None, commit=None), "git+https://git.example/acme/train", True),
            (replace(SOURCE, commit=None), "git+https://git.example/acme/train@None", False),
            (replace(SOURCE, clean=True), "git+https://git.example/acme/train@refs/**", True),
            (replace(SOURCE, clean=False), "git+https://git.example/acme/train@refs/**", False),
        ],
    )
    def test_a_source(self, source: Source | None, pattern: str, holds: bool) -> None:
        """The source is the one that the rule asks for, unaltered."""
        verdict = judge(policy_of(f'source = "{pattern}"'), said(build_of(source=source)))
        if holds:
            assert verdict.decision is Decision.ALLOW, verdict.reasons
        else:
            refused(verdict, Code.PROVENANCE_SOURCE)

    def test_no_source_is_asked_for_where_the_rule_names_none(self) -> None:
        """A rule without a source leaves it to the builder."""
        assert judge(policy_of(), said(build_of(source=None))).decision is Decision.ALLOW


class TestClaims:
    """How claims add up."""

    def test_one_build_that_counts_is_enough(self) -> None:
        """Builds that do not count change nothing, and are no reasons then."""
        bad = (
            said(build_of(builder=LOCAL)),
            said(build_of(parameters=(("x", "1"),))),
            said(build_of(), artifact=artifact_of("other")),
        )
        alone = judge(policy_of(), GOOD)
        assert judge(policy_of(), *bad, GOOD) == alone
        assert judge(policy_of(), *bad).decision is Decision.DENY

    def test_of_a_claim_by_several_signers_the_closest_is_explained(self) -> None:
        """A claim that two entries signed gives the reasons of the one that has fewer."""
        build = build_of(parameters=(("x", "1"),))
        both = (said(build, trust="alice"), said(build))
        same = tuple(replace(each, sha256="f" * 64) for each in both)
        verdict = judge(policy_of(), *same)
        assert set(blocking_codes(verdict)) == {"provenance-missing", "provenance-parameter"}

    def test_a_gap_matters_only_where_no_build_counts(self) -> None:
        """A broken claim beside a good one is noted; without one it may be what is missing."""
        gap = gap_of(Code.CLAIM_MALFORMED, stage=Stage.PROVENANCE, path="model.claims.jsonl")
        met = judge(policy_of(), GOOD, gap)
        assert met.decision is Decision.ALLOW
        assert [r.blocking for r in met.reasons if r.code == "claim-malformed"] == [False]
        unmet = judge(policy_of(), gap)
        assert unmet.decision is Decision.DENY
        assert set(blocking_codes(unmet)) == {"provenance-missing", "claim-malformed"}

    def test_claims_of_strangers_are_one_note_where_nothing_is_missing(self) -> None:
        """A model may carry the claims of many generations; each is named where one is missing."""
        gaps = [
            replace(
                gap_of(Code.CLAIM_UNTRUSTED, stage=Stage.PROVENANCE, path="model.claims.jsonl"),
                reason=f"model.claims.jsonl:{line}: nobody",
            )
            for line in range(2, 30)
        ]
        met = judge(policy_of(), GOOD, *gaps)
        assert met.decision is Decision.ALLOW
        (note,) = [r for r in met.reasons if r.code == "claim-untrusted"]
        assert "28 of the claims" in note.message
        unmet = judge(policy_of(), *gaps)
        named = [r for r in unmet.reasons if r.code == "claim-untrusted"]
        assert len(named) == 28
        assert all(reason.path is None for reason in named)

    def test_claims_that_nobody_could_read_leave_it_a_deny(self) -> None:
        """A missing build is a deny, also where the file with the claims could not be read."""
        gap = gap_of(Code.IO_FAILED, stage=Stage.PROVENANCE, path="model.claims.jsonl")
        verdict = judge(policy_of(), gap)
        assert verdict.decision is Decision.DENY
        (reason,) = [r for r in verdict.reasons if r.code == "io-failed"]
        assert reason.decision is Decision.INDETERMINATE
        assert reason.path == "model.claims.jsonl"

    @pytest.mark.parametrize(
        ("line", "asks"),
        [
            ("", False),
            ("provenance = { required = false }", False),
            ('provenance = { builder = ["runner"] }', True),
            (
                'receipt = { from = "hsm", max-age = "1d", policy = "sha256:' + "1" * 64 + '" }',
                True,
            ),
        ],
    )
    def test_which_rules_need_claims(self, line: str, asks: bool) -> None:
        """Claims are needed for provenance and for receipts, and for nothing else of a rule."""
        text = f"""{HEAD}
[[rule]]
match = ["**"]
boundary = ["*"]
signature = {{ required = false }}
{line}
"""
        (rule,) = Policy.from_toml(text.encode(), path=None).rules
        assert asks_for_claims(rule) is asks

    def test_a_rule_without_provenance_asks_nobody(self) -> None:
        """Where no provenance is demanded, none is listed and none is missing."""
        control = policy_of().rules[0].provenance
        subject = BuildSubject(bindings=frozenset({MODEL.binding}))
        without = replace(control, required=False)
        found = assess(policy_of(), without, subject, (GOOD,))
        assert (found.builds, found.reasons, found.evidence) == ((), (), ())
        assert assess(policy_of(), control, subject, (GOOD,)).builds == (GOOD,)

    def test_digests_by_another_algorithm_are_other_digests(self) -> None:
        """An artifact that was hashed otherwise has no names digest, and so no provenance."""
        digests = ArtifactDigests(name="bert", oms=sha256(98), names=None)
        files = inventory_of(files=FILES)
        assert naming_of(files, digests) == ()
        assert naming_of(files, DIGESTS) != ()
