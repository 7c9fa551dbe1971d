"""
What can be exchanged in the worked pipeline, each with the reason that has to follow.

A substitution changes one thing in a copy of the finished workshop: a file, a step, a builder, a
source, a parent, a parameter, a claim. Whoever signs what was changed is somebody with a real key:
the step's own platform, another one that the policy trusts for something else, or a stranger.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from support.claim_edits import (
    SERVED,
    SIGNERS,
    Change,
    Edit,
    altered_source,
    bare,
    cut,
    edited,
    flipped,
    from_other,
    half_an_input,
    itself_as_input,
    loose_input,
    no_claims,
    no_json,
    one_more_input,
    other_claims,
    other_digests,
    other_file_names,
    other_key,
    other_subject,
    removed,
    renamed_input,
    set_member,
    signature_swapped,
    skipped_conversion,
    with_source,
    without,
    without_inputs,
)
from support.worked_pipeline import CONVERTER, QUANTIZER, Statement, Workshop

CHAIN: Final = {
    "served": "",
    "converted": "served <- acme/converted (sha256:",
    "tuned": "served <- acme/converted <- acme/tuned (sha256:",
    "base": "served <- acme/converted <- acme/tuned <- hub/publisher/base (sha256:",
    "texts": "served <- acme/converted <- acme/tuned <- acme/texts (sha256:",
}
"""How a reason names the artifact that a claim is about, by the claim's first subject."""

MISSING: Final = {
    "served": ("provenance-missing", "no build that meets the rule"),
    "converted": ("provenance-missing", CHAIN["converted"]),
    "tuned": ("provenance-missing", CHAIN["tuned"]),
    "base": ("lineage-signer", CHAIN["base"]),
    "texts": ("lineage-signer", CHAIN["texts"]),
}
"""What is said where the claim about an artifact does not count."""


@dataclass(frozen=True, slots=True)
class Substitution:
    """
    One thing exchanged for another one.

    Attributes:
        name: What.
        change: Does it, in a copy of the workshop; the second argument is a workshop in which
            the same steps made another model.
        code: A code that has to be among the reasons to deny.
        words: What the message of that reason has to have in it.
    """

    name: str
    change: Change
    code: str
    words: str


def substitutions() -> Iterator[Substitution]:
    """Yield every substitution of files and claims."""
    yield from _files()
    yield from _lines()
    yield from _signers()
    yield from _builds()
    yield from _inputs()
    yield from _subjects()


def _files() -> Iterator[Substitution]:
    def weights(workshop: Workshop, _: Workshop) -> None:
        place = workshop.path(f"{SERVED}/model.gguf")
        data = bytearray(place.read_bytes())
        data[-1] ^= 1
        place.write_bytes(data)

    def other_weights(workshop: Workshop, other: Workshop) -> None:
        name = f"{SERVED}/model.gguf"
        shutil.copyfile(other.path(name), workshop.path(name))

    def added(workshop: Workshop, _: Workshop) -> None:
        workshop.path(f"{SERVED}/more.gguf").write_bytes(b"")

    def renamed(workshop: Workshop, _: Workshop) -> None:
        workshop.path(f"{SERVED}/model.gguf").rename(workshop.path(f"{SERVED}/other.gguf"))

    def renamed_and_signed(workshop: Workshop, other: Workshop) -> None:
        renamed(workshop, other)
        workshop.sign(SERVED, "release")

    def other_and_signed(workshop: Workshop, other: Workshop) -> None:
        other_weights(workshop, other)
        workshop.sign(SERVED, "release")

    def unsigned(workshop: Workshop, _: Workshop) -> None:
        workshop.path(f"{SERVED}/model.sig").unlink()

    def signed_by(key: str) -> Change:
        return lambda workshop, _: workshop.sign(SERVED, key)

    def signature_of_a_parent(workshop: Workshop, _: Workshop) -> None:
        shutil.copyfile(
            workshop.path("models/base/model.sig"), workshop.path(f"{SERVED}/model.sig")
        )

    yield Substitution("one bit of the weights", weights, "digest-mismatch", "")
    yield Substitution("the weights of another run", other_weights, "digest-mismatch", "")
    yield Substitution("a file more", added, "uncovered-file", "not covered by the signature")
    yield Substitution("another name of the file", renamed, "file-missing", "")
    yield Substitution(
        "another name of the file, signed again",
        renamed_and_signed,
        "provenance-unbound",
        "does not follow a model into another layout",
    )
    yield Substitution(
        "the weights of another run, signed", other_and_signed, "provenance-missing", ""
    )
    yield Substitution("no signature", unsigned, "signature-missing", "")
    yield Substitution("a stranger's signature", signed_by("stranger"), "key-mismatch", "")
    yield Substitution("the publisher's signature", signed_by("publisher"), "key-mismatch", "")
    yield Substitution("the base's signature", signature_of_a_parent, "key-mismatch", "")


def _lines() -> Iterator[Substitution]:
    for subject, (code, words) in MISSING.items():
        for how, change in (
            ("no claim", removed),
            ("a flipped bit in the claim", flipped),
            ("half of the claim", cut),
            ("the bare statement", bare),
            ("the signature of another claim", signature_swapped),
        ):
            yield Substitution(f"{how} about {subject}", change(subject), code, words)
    for subject in ("served", "converted", "tuned"):
        code, words = MISSING[subject]
        yield Substitution(f"another run's claim about {subject}", from_other(subject), code, words)
    yield Substitution("no claims file", no_claims, "lineage-missing", "served")
    yield Substitution("another run's claims", other_claims, "lineage-missing", "served")
    yield Substitution("a claims file of something else", no_json, "lineage-missing", "served")


def _signers() -> Iterator[Substitution]:
    def nothing(_: Statement) -> None:
        """Leave the statement as it is: only who signs it differs."""

    wrong = {
        "served": "train-platform",
        "converted": "train-platform",
        "tuned": "convert-platform",
        "base": "data-team",
        "texts": "publisher",
    }
    for subject, (code, words) in MISSING.items():
        for key in ("stranger", "release", "gate", wrong[subject]):
            change = edited(subject, nothing, key=key)
            yield Substitution(f"the claim about {subject}, signed by {key}", change, code, words)
    for subject, (code, words) in MISSING.items():
        key = SIGNERS[subject]
        if subject != "converted":
            yield Substitution(f"the policy's key of {key}", other_key(key), code, words)
    yield Substitution("the policy's key of release", other_key("release"), "key-mismatch", "")


def _builds() -> Iterator[Substitution]:
    builders = {"served": CONVERTER, "converted": QUANTIZER, "tuned": QUANTIZER}
    for subject, builder in builders.items():
        for each in (builder, "https://ci.example/other", "urn:weighbridge:builder:local"):
            edit = set_member("runDetails", "builder", "id", value=each)
            yield _of_build(subject, f"the builder {each}", edit, "provenance-builder")
    types = {
        "served": "urn:weighbridge:build-type:convert:v1",
        "converted": "urn:weighbridge:build-type:command:v1",
        "tuned": "https://example.org/build/v1",
    }
    for subject, kind in types.items():
        edit = set_member("buildDefinition", "buildType", value=kind)
        yield _of_build(subject, f"the build type {kind}", edit, "provenance-build-type")
    for subject in ("served", "tuned"):
        for what, source in (
            ("another repository", "git+https://git.example/mallory/train@refs/heads/main"),
            ("another branch", "git+https://git.example/acme/train@refs/heads/wip"),
            ("no source", None),
        ):
            yield _of_build(subject, what, with_source(source), "provenance-source")
        yield _of_build(subject, "an altered source", altered_source, "provenance-source")
    parameters: dict[str, dict[str, object]] = {
        "served": {"params": {"bits": "4"}, "command": ["python", "-c", "evil"]},
        "converted": {"to": "gguf", "tensors-only": True},
        "tuned": {
            "params": {"epochs": "500"},
            "command": [
                "python",
                "train.py",
                "../models/base",
                "../data/x",
                "../models/tuned",
                "5",
            ],
        },
    }
    for subject, others in parameters.items():
        for name, value in (*others.items(), ("surprise", "1")):
            edit = set_member("buildDefinition", "externalParameters", name, value=value)
            yield _of_build(subject, f"the parameter {name}", edit, "provenance-parameter")
        name = next(iter(others))
        yield _of_build(subject, f"no parameter {name}", without(name), "provenance-parameter")


def _inputs() -> Iterator[Substitution]:
    parents = {"served": "acme/converted", "converted": "acme/tuned", "tuned": "hub/publisher/base"}
    below = {"served": "converted", "converted": "tuned", "tuned": "base"}
    for subject, parent in parents.items():
        code, words = MISSING[below[subject]]
        for what in ("both digests", "the root digest", "the names digest"):
            edit = other_digests(parent, root=what != "the names digest", names="root" not in what)
            yield Substitution(
                f"another input of {subject}, by {what}", edited(subject, edit), code, words
            )
        yield _of_build(subject, "no input", without_inputs, "lineage-no-inputs")
        yield _of_build(subject, "only one of the digests", half_an_input(parent), "lineage-")
        change = edited(subject, one_more_input)
        yield Substitution(f"one more input of {subject}", change, "lineage-no-rule", "mallory/x")
        yield _of_build(subject, "a model by one digest", loose_input, "lineage-unbound")
        yield _of_build(
            subject, "an input by a lax name", renamed_input(parent, "acme/texts"), "lineage-"
        )
        yield _of_build(subject, "itself as input", itself_as_input(parent), "lineage-cycle")
    code, words = MISSING["texts"]
    edit = other_digests("acme/texts", root=True, names=True)
    yield Substitution("other data", edited("tuned", edit), code, words)
    yield _of_build("tuned", "no data", half_an_input("acme/texts", whole=True), "lineage-parent")
    yield Substitution(
        "a skipped conversion", skipped_conversion, "lineage-parent", "acme/converted"
    )


def _subjects() -> Iterator[Substitution]:
    for subject, (code, words) in MISSING.items():
        if subject in {"base", "texts"}:
            yield Substitution(
                f"other files in the signature of {subject}",
                edited(subject, other_file_names, key=SIGNERS[subject]),
                code,
                words,
            )
            continue
        for place, what in enumerate(("root", "names")):
            edit = other_subject(place)
            yield Substitution(
                f"another {what} digest in the subject of {subject}",
                edited(subject, edit),
                code,
                words,
            )
        yield Substitution(
            f"the subject of {subject} by one digest",
            edited(subject, lambda statement: statement["subject"].pop()),
            code,
            words,
        )


def _of_build(subject: str, what: str, edit: Edit, code: str) -> Substitution:
    return Substitution(f"{what} of {subject}", edited(subject, edit), code, CHAIN[subject])
