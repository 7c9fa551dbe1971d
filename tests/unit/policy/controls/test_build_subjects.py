"""What a build is about: artifacts by both digests, or every file by name."""

from dataclasses import replace

from support.built_models import GOOD, HEAD, MODEL, policy_of, refused, said
from support.lineages import artifact_of, build_of
from support.policies import (
    FILES,
    blocking_codes,
    inventory_of,
    judge,
    sha256,
    signature_of,
)
from weighbridge.core.artifact import FileFormat, Inventory
from weighbridge.core.attestation import (
    Artifact,
    Attestation,
    Binding,
    Resource,
)
from weighbridge.core.codes import Code
from weighbridge.core.verdict import Decision
from weighbridge.policy.controls.interface import Naming
from weighbridge.policy.controls.provenance import (
    is_about_files,
)
from weighbridge.policy.schema import Policy


class TestSubject:
    """Every claim binds with both digests."""

    def test_a_claim_of_another_model_counts_for_nothing(self) -> None:
        """A build of another artifact is not even a reason."""
        verdict = judge(policy_of(), said(build_of(), artifact=artifact_of("bert")))
        assert blocking_codes(verdict) == ["provenance-missing"]

    def test_a_renamed_layout_does_not_inherit_a_claim(self) -> None:
        """The same content under other names has the same root digest, and no provenance."""
        renamed = Artifact(name="bert", binding=Binding(root=sha256(98), names=sha256(1)))
        claim = said(build_of(), artifact=renamed)
        for each in (claim, replace(claim, artifacts=(artifact_of("other"), renamed))):
            verdict = judge(policy_of(), each)
            refused(verdict, Code.PROVENANCE_UNBOUND, "the same content under other names")

    def test_the_names_without_the_content_are_not_enough(self) -> None:
        """A statement with the names digest and another root digest is about something else."""
        other = Artifact(name="bert", binding=Binding(root=sha256(1), names=sha256(97)))
        verdict = judge(policy_of(), said(build_of(), artifact=other))
        assert blocking_codes(verdict) == ["provenance-missing"]

    def test_one_of_several_artifacts_is_enough(self) -> None:
        """A build that gave several models is about each of them."""
        claim = replace(GOOD, artifacts=(artifact_of("other"), MODEL))
        assert judge(policy_of(), claim).decision is Decision.ALLOW

    def test_without_digests_nobody_can_tell(self) -> None:
        """Where the digests are not known, no claim can be about the artifact."""
        verdict = judge(policy_of(), GOOD, bindings=())
        assert verdict.decision is Decision.INDETERMINATE
        assert blocking_codes(verdict) == ["evidence-incomplete"]

    def test_a_build_of_a_part_does_not_vouch_for_the_rest(self) -> None:
        """Digests of some files are not about an artifact that has more."""
        part = Naming(binding=MODEL.binding, paths=frozenset(tuple(FILES)[:1]))
        assert judge(policy_of(), GOOD, bindings=(part,)).decision is Decision.INDETERMINATE

    def test_files_that_the_signature_leaves_out_may_be_in_the_build_or_not(self) -> None:
        """What counts is that all that a load would give out was built."""
        files = inventory_of(files={**FILES, ".gitattributes": FileFormat.TEXT})
        policy = Policy.from_toml(
            (
                HEAD
                + """
[[rule]]
match = ["**"]
boundary = ["*"]
signature = { any-of = ["hsm"], uncovered = "allow-git-metadata" }
provenance = { builder = ["runner"] }
"""
            ).encode(),
            path=None,
        )
        covered = Naming(binding=MODEL.binding, paths=frozenset(FILES))
        every = Naming(
            binding=artifact_of("all").binding, paths=frozenset((*FILES, ".gitattributes"))
        )
        whole = said(build_of(), artifact=artifact_of("all"))
        signature = signature_of(FILES, trust="hsm")
        for claim in (GOOD, whole):
            verdict = judge(policy, claim, signature, inventory=files, bindings=(every, covered))
            assert verdict.decision is Decision.ALLOW, verdict.reasons
        unsigned = judge(policy, GOOD, inventory=files, bindings=(every, covered))
        assert Code.PROVENANCE_MISSING in blocking_codes(unsigned)


class TestFiles:
    """Statements of other platforms, about single files."""

    FLAT = (("config.json", "1" * 64), ("model.safetensors", "a" * 64))
    DEEP = (("config.json", "1" * 64), ("unet/model.safetensors", "a" * 64))

    def about(self, *names: tuple[str, str], algorithm: str = "sha256") -> Attestation:
        """Return a statement about single files."""
        files = tuple(Resource(name=name, digests=((algorithm, digest),)) for name, digest in names)
        return replace(GOOD, artifacts=(), files=files)

    def test_every_file_among_the_subjects_is_enough(self) -> None:
        """All files by their paths bind; further subjects do not matter."""
        for files in (self.FLAT, self.DEEP):
            assert is_about_files(self.about(*files), files)
            assert is_about_files(self.about(*files, ("wheel.whl", "3" * 64)), files)
            dotted = tuple((f"./{name}", digest) for name, digest in files)
            assert is_about_files(self.about(*dotted), files)

    def test_one_file_that_is_not_among_them_is_too_many(self) -> None:
        """A missing, changed, exchanged or renamed file breaks the binding."""
        for files in (self.FLAT, self.DEEP):
            (first, one), (second, two) = files
            for others in (
                [(first, one)],
                [(first, one), (second, "3" * 64)],
                [(first, two), (second, one)],
                [(first, one), (second.upper(), two)],
                [(first, one), (second, two.upper())],
                [(first, one), (second, two), (second, "3" * 64)],
            ):
                assert not is_about_files(self.about(*others), files), others
            assert not is_about_files(self.about(*files, algorithm="sha512"), files)
        assert not is_about_files(self.about(), ())

    def test_what_has_no_name_or_no_digest_is_no_file(self) -> None:
        """Subjects that cannot be files neither help nor get in the way."""
        claim = self.about(*self.FLAT)
        strange = (
            Resource(digests=(("sha256", "1" * 64),)),
            Resource(name="model.safetensors", digests=(("gitCommit", "1" * 40),)),
            Resource(name="model.safetensors", digests=(("sha256", "1" * 63),)),
            Resource(),
        )
        assert is_about_files(replace(claim, files=(*strange, *claim.files)), self.FLAT)
        assert not is_about_files(replace(claim, files=strange), self.FLAT)

    def test_base_names_count_below_one_directory_where_the_artifact_has_none(self) -> None:
        """A directory of the build's may be left out of a flat artifact, and no other one."""
        below = [(f"dist/{name}", digest) for name, digest in self.FLAT]
        assert is_about_files(self.about(*below), self.FLAT)
        deep = [(f"dist/{name}", digest) for name, digest in self.DEEP]
        assert not is_about_files(self.about(*deep), self.DEEP)

    def test_files_of_two_directories_do_not_make_one_artifact(self) -> None:
        """The configuration of one model with the weights of another is neither."""
        (first, one), (second, two) = self.FLAT
        mixed = [(f"a/{first}", one), (f"b/{second}", two), (f"b/{first}", "3" * 64)]
        assert not is_about_files(self.about(*mixed), self.FLAT)

    def test_a_name_that_ends_alike_is_another_one(self) -> None:
        """A base name is whole."""
        (first, one), (second, two) = self.FLAT
        assert not is_about_files(self.about((f"a{first}", one), (f"a{second}", two)), self.FLAT)

    def test_a_statement_about_every_file_counts(self) -> None:
        """The digests of the very files that were read are compared."""
        inventory = inventory_of(files=FILES)
        claim = self.about(*_digests(inventory))
        verdict = judge(policy_of(), claim, inventory=inventory)
        assert verdict.decision is Decision.ALLOW
        assert {digest.hex for digest in verdict.provenance[0].subjects} == {
            digest for _, digest in _digests(inventory)
        }
        less = self.about(*_digests(inventory)[1:])
        assert judge(policy_of(), less, inventory=inventory).decision is Decision.DENY

    def test_files_that_the_signature_leaves_out_need_not_be_listed(self) -> None:
        """What a load gives out has to be among the subjects, and nothing else."""
        files = inventory_of(files={**FILES, ".gitattributes": FileFormat.TEXT})
        signed = 'signature = { any-of = ["hsm"], uncovered = "allow-git-metadata" }'
        rule = f"""
[[rule]]
match = ["**"]
boundary = ["*"]
{signed}
provenance = {{ builder = ["runner"] }}
"""
        policy = Policy.from_toml((HEAD + rule).encode(), path=None)
        signature = signature_of(FILES, trust="hsm")
        listed = [(path, digest) for path, digest in _digests(files) if path in FILES]
        claim = self.about(*listed)
        assert judge(policy, claim, signature, inventory=files).decision is Decision.ALLOW
        less = self.about(*listed[1:], (".gitattributes", dict(_digests(files))[".gitattributes"]))
        assert judge(policy, less, signature, inventory=files).decision is Decision.DENY

    def test_a_single_file_goes_by_its_own_name(self) -> None:
        """The one file of an artifact is found by the artifact's name."""
        files = inventory_of(files={".": FileFormat.SAFETENSORS}, name="bert.safetensors")
        ((_, digest),) = _digests(files)
        for name, decision in (
            ("bert.safetensors", Decision.ALLOW),
            ("dist/bert.safetensors", Decision.ALLOW),
            ("other.safetensors", Decision.DENY),
            (".", Decision.DENY),
        ):
            verdict = judge(policy_of(), self.about((name, digest)), inventory=files)
            assert verdict.decision is decision, name


def _digests(inventory: Inventory) -> tuple[tuple[str, str], ...]:
    return tuple((e.path, e.sha256.hex) for e in inventory.model_entries if e.sha256 is not None)
