"""What is printed of a build that was signed."""

from weighbridge.core.attestation import Artifact, Binding, Build, Source
from weighbridge.core.build_types import COMMAND_BUILD_TYPE
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.limits.records import MAX_TEXT_ITEMS
from weighbridge.record.recorded import recorded_text, warnings_of

DIGEST = Digest(HashAlgorithm.SHA256, bytes(32))
OUTPUT = Artifact(name="out\x1b[0m", binding=Binding(root=DIGEST, names=DIGEST))
COMMIT = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def build(source: Source | None) -> Build:
    """Return a build of *source*."""
    return Build(
        predicate_type="https://slsa.dev/provenance/v1",
        build_type=COMMAND_BUILD_TYPE,
        builder_id="urn:a:b",
        source=source,
        inputs=(OUTPUT,),
    )


def test_everything_is_told_in_lines() -> None:
    """Output, builder, source, inputs and what went along; names cannot control a terminal."""
    source = Source(
        uri="git+https://git.example/a/b", ref="refs/heads/x", commit=COMMIT, clean=False
    )
    text = recorded_text(claims="c", output=OUTPUT, build=build(source), carried=2)
    assert text.splitlines() == [
        r"claimed  out\x1b[0m (sha256:000000000000): c",
        "builder  urn:a:b",
        "source   git+https://git.example/a/b@refs/heads/x at 4b825dc642cb, with changes",
        r"input    out\x1b[0m (sha256:000000000000)",
        "carried  2 claims of the inputs",
    ]


def test_a_commit_is_told_once() -> None:
    """A source without a branch is told by its commit alone."""
    source = Source(uri="git+https://git.example/a/b", commit=COMMIT, clean=True)
    text = recorded_text(claims="c", output=OUTPUT, build=build(source), carried=0)
    assert "source   git+https://git.example/a/b at 4b825dc642cb\n" in text
    assert "carried" not in text


def test_warnings_are_bounded() -> None:
    """Many files are counted, and whatever was not seen is told."""
    lines = warnings_of(
        undeclared=tuple(f"f{n}\n" for n in range(MAX_TEXT_ITEMS + 2)),
        blind=("it hid",),
        unobserved="no",
        ended=1,
    )
    assert lines[0] == r"read, but not declared: f0\n"
    assert lines[MAX_TEXT_ITEMS:] == [
        "and 2 more files that were not declared",
        "not everything was seen: it hid",
        "what the step read was not observed: no",
        "the step left 1 process behind, which had to be ended",
    ]
