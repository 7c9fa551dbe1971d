"""The manifest of an inventory and the two digests of a model."""

import hashlib

import pytest

from support.inventories import inventory_of
from support.signatures import FILES, SHARDS, refused
from weighbridge.core.codes import Code
from weighbridge.core.digest import HashLayout
from weighbridge.core.errors import NothingToCheckError
from weighbridge.core.evidence import Gap, Stage
from weighbridge.inventory.names import is_under
from weighbridge.signing.manifest import (
    make_statement,
    names_digest,
    resources_of,
    root_digest,
)
from weighbridge.signing.problems import NotSignableError

LAYOUT = HashLayout()


def test_entries_are_ordered_by_code_point_of_the_whole_name() -> None:
    """A separator sorts as the character it is, not as the end of a component."""
    files = {"model/x": b"1", "model.safetensors": b"2", "model-00001.safetensors": b"3"}
    names = [r.name for r in resources_of(inventory_of(files), LAYOUT, ignored=())]
    assert names == ["model-00001.safetensors", "model.safetensors", "model/x"]


def test_shards_are_ordered_by_their_names_too() -> None:
    """Shard names sort as text, so that byte 10 comes before byte 5."""
    layout = HashLayout(shard_size=5)
    inventory = inventory_of({"f": b"x" * 15}, layout=layout)
    names = [r.name for r in resources_of(inventory, layout, ignored=())]
    assert names == ["f:0:5", "f:10:15", "f:5:10"]


def test_a_single_file_model_is_named_by_a_dot() -> None:
    """The one file of a single-file model has the name that today's verifiers expect."""
    inventory = inventory_of({".": b"x"}, name="weights.bin")
    (resource,) = resources_of(inventory, LAYOUT, ignored=())
    assert resource.name == "."
    assert (
        make_statement(inventory, LAYOUT, ignored=(), allow_symlinks=False).subject_name
        == "weights.bin"
    )


def test_signature_claims_and_ignored_files_are_left_out() -> None:
    """Signatures, claims, ignored paths and all below them are no part of the manifest."""
    files = {**FILES, "model.sig": b"s", "model.claims.jsonl": b"c", "logs/a/b": b"", "log": b""}
    inventory = inventory_of(files, undigested=["logs/a/b", "log"])
    paths = {r.path for r in resources_of(inventory, LAYOUT, ignored=["logs", "log"])}
    assert paths == set(FILES)


def test_everything_that_cannot_be_signed_is_listed_at_once() -> None:
    """Gaps, empty directories, empty files in shards mode and bad names are named together."""
    gap = Gap(stage=Stage.INVENTORY, code=Code.FILE_UNREADABLE, path="secret", reason="no access")
    inventory = inventory_of(
        {**FILES, "empty": b"", "bad\\name": b"x"},
        layout=SHARDS,
        empty_directories=("hollow",),
        gaps=(gap,),
    )
    with pytest.raises(NotSignableError) as raised:
        resources_of(inventory, SHARDS, ignored=())
    assert {(p.code, p.path) for p in raised.value.problems} == {
        (Code.FILE_UNREADABLE, "secret"),
        (Code.EMPTY_DIRECTORY, "hollow"),
        (Code.ZERO_BYTE_IN_SHARDS, "empty"),
        (Code.RESOURCE_NAME, "bad\\name"),
    }
    assert raised.value.exit_code == 10


def test_what_is_ignored_does_not_stand_in_the_way() -> None:
    """The same things are no obstacle where the caller ignores them."""
    gap = Gap(stage=Stage.INVENTORY, code=Code.FILE_UNREADABLE, path="secret", reason="no access")
    inventory = inventory_of(
        {**FILES, "empty": b""}, layout=SHARDS, empty_directories=("hollow",), gaps=(gap,)
    )
    resources = resources_of(inventory, SHARDS, ignored=["secret", "hollow", "empty"])
    assert {r.path for r in resources} == set(FILES)


def test_a_gap_of_the_whole_artifact_cannot_be_ignored() -> None:
    """An inventory that is incomplete as a whole is not signed."""
    gap = Gap(stage=Stage.INVENTORY, code=Code.LIMIT_EXCEEDED, path=None, reason="too many")
    with refused(Code.LIMIT_EXCEEDED):
        resources_of(inventory_of(FILES, gaps=(gap,)), LAYOUT, ignored=["."])


def test_an_empty_file_is_signed_in_files_mode() -> None:
    """In files mode an empty file has a digest like every other."""
    (resource,) = resources_of(inventory_of({"e": b""}), LAYOUT, ignored=())
    assert resource.value == hashlib.sha256().digest()


def test_nothing_left_is_not_signed() -> None:
    """A model of which everything is ignored is not signed."""
    with pytest.raises(NothingToCheckError):
        resources_of(inventory_of(FILES), LAYOUT, ignored=list(FILES))


def test_a_missing_digest_is_the_callers_mistake() -> None:
    """A file that was not digested is never signed as if it were not there."""
    with pytest.raises(KeyError):
        resources_of(inventory_of(FILES, undigested=["config.json"]), LAYOUT, ignored=())


def test_the_names_digest_is_the_one_of_in_toto() -> None:
    """The names digest is the SHA-256 over the sorted output lines of sha256sum."""
    entries = inventory_of(FILES).entries
    lines = sorted(f"{hashlib.sha256(d).hexdigest()}  {p}\n" for p, d in FILES.items())
    expected = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert names_digest(entries, name="model").hex == expected
    assert names_digest(reversed(entries), name="any").hex == expected


def test_the_names_digest_of_a_single_file_has_its_name() -> None:
    """The one file of a single-file model stands under the artifact's base name."""
    single = inventory_of({".": b"x"}).entries
    named = inventory_of({"weights.bin": b"x"}).entries
    assert names_digest(single, name="weights.bin") == names_digest(named, name="model")
    assert names_digest(single, name="other.bin") != names_digest(named, name="model")


def test_the_names_digest_refuses_a_line_break_in_a_name() -> None:
    """A name that would make two lists equal has no names digest."""
    with pytest.raises(ValueError, match="cannot hold"):
        names_digest(inventory_of({"a\nb": b""}).entries, name="model")


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a", True), ("a/b", True), ("a/b/c", True), ("ab", False), ("b/a", False), ("", False)],
)
def test_only_whole_components_make_a_path_lie_below_another(path: str, expected: bool) -> None:
    """A prefix of a name is not a directory."""
    assert is_under(path, {"a"}) is expected


def test_nothing_lies_below_a_dot() -> None:
    """The root as an ignored path does not cover what is in it."""
    assert not is_under("a", {".", "", "/"})


def test_the_root_digest_is_the_one_of_the_statement() -> None:
    """A statement's root digest is computed from its own resources."""
    statement = make_statement(inventory_of(FILES), LAYOUT, ignored=(), allow_symlinks=True)
    assert statement.root == root_digest(statement.resources)
    assert statement.allow_symlinks
