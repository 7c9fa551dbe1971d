"""Whether the files are what was signed, each of them accounted for."""

import dataclasses

import pytest

from support.inventories import entry, inventory_of
from support.signatures import FILES, SHARDS, refused, state
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.digest import HashAlgorithm, HashLayout
from weighbridge.core.errors import UsageError
from weighbridge.core.evidence import Gap, Stage
from weighbridge.core.limits.records import MAX_NAMED_PROBLEMS
from weighbridge.signing.coverage import IgnoreRules, compare
from weighbridge.signing.problems import CoverageRejectedError

STRICT = IgnoreRules(git_metadata=False)


@pytest.mark.parametrize("algorithm", HashAlgorithm)
@pytest.mark.parametrize("shard_size", [None, 4, 1000])
def test_unchanged_files_are_covered(algorithm: HashAlgorithm, shard_size: int | None) -> None:
    """Files with the signed content are covered, for every hash in both modes."""
    layout = HashLayout(algorithm, shard_size)
    coverage = compare(state(layout=layout), inventory_of(FILES, layout=layout), accepted=STRICT)
    assert coverage.covered == tuple(sorted(FILES))
    assert coverage.uncovered == ()


@pytest.mark.parametrize("layout", [HashLayout(), SHARDS])
@pytest.mark.parametrize("data", [b"0123456788", b"012345678", b"01234567890", b"", b"9123456789"])
def test_a_changed_file_is_refused_by_name(layout: HashLayout, data: bytes) -> None:
    """A file with any other content is a mismatch that names it."""
    files = {**FILES, "weights/model.safetensors": data}
    with refused(Code.DIGEST_MISMATCH, text="weights/model.safetensors: changed"):
        compare(state(layout=layout), inventory_of(files, layout=layout), accepted=STRICT)


def test_a_changed_shard_is_located() -> None:
    """In shards mode the message says which bytes differ."""
    files = {**FILES, "weights/model.safetensors": b"0123456X89"}
    with refused(Code.DIGEST_MISMATCH, text="bytes 4 to 8 differ"):
        compare(state(layout=SHARDS), inventory_of(files, layout=SHARDS), accepted=STRICT)


def test_a_missing_file_is_refused_by_name() -> None:
    """A signed file that is not there is refused."""
    with refused(Code.FILE_MISSING, text="config.json: signed, and not there"):
        compare(
            state(), inventory_of({"weights/model.safetensors": b"0123456789"}), accepted=STRICT
        )


def test_an_added_file_is_refused_by_name() -> None:
    """A file that the signature does not name is refused."""
    with refused(Code.FILE_NOT_COVERED, text="extra.py: not in the signature"):
        compare(state(), inventory_of({**FILES, "extra.py": b""}), accepted=STRICT)


def test_a_renamed_file_is_refused_under_both_names() -> None:
    """A renamed file is missing under its old name and uncovered under the new one."""
    files = {"config2.json": b"{}", "weights/model.safetensors": b"0123456789"}
    with pytest.raises(CoverageRejectedError) as raised:
        compare(state(), inventory_of(files), accepted=STRICT)
    assert [(p.code, p.path) for p in raised.value.problems] == [
        (Code.FILE_MISSING, "config.json"),
        (Code.FILE_NOT_COVERED, "config2.json"),
    ]


def test_every_problem_is_kept_and_the_first_ones_are_named() -> None:
    """The error has all problems; its message names the first ones and counts the rest."""
    files = {**FILES, **{f"extra{i:03}": b"" for i in range(50)}}
    with pytest.raises(CoverageRejectedError) as raised:
        compare(state(), inventory_of(files), accepted=STRICT)
    assert len(raised.value.problems) == 50
    text = str(raised.value)
    assert "(50 problems)" in text
    assert "extra019" in text
    assert "extra020" not in text
    assert f"and {50 - MAX_NAMED_PROBLEMS} more" in text


def test_a_name_cannot_fake_another_line_of_the_message() -> None:
    """A line break or control sequence in a file name is escaped in the message."""
    with pytest.raises(CoverageRejectedError) as raised:
        compare(state(), inventory_of({**FILES, "a\n  b: fine\x1b[2K": b""}), accepted=STRICT)
    assert "a\\n  b: fine\\x1b[2K: not in" in str(raised.value)


def test_unsigned_files_are_reported_where_the_caller_accepts_them() -> None:
    """With unsigned files accepted, each of them is uncovered with a reason, and no other."""
    inventory = inventory_of({**FILES, "extra.py": b""}, empty_directories=("hollow",))
    coverage = compare(state(), inventory, accepted=IgnoreRules(unsigned_files=True))
    assert coverage.covered == tuple(sorted(FILES))
    assert [u.path for u in coverage.uncovered] == ["extra.py", "hollow"]
    assert all(u.reason for u in coverage.uncovered)


def test_accepting_unsigned_files_accepts_no_changed_ones() -> None:
    """What the signature names stays bound to it when unsigned files are accepted."""
    files = {**FILES, "config.json": b"[]"}
    with refused(Code.DIGEST_MISMATCH):
        compare(state(), inventory_of(files), accepted=IgnoreRules(unsigned_files=True))


def test_ignored_paths_are_reported_with_all_below_them() -> None:
    """What the caller ignores is uncovered with that reason, hashed or not."""
    files = {**FILES, "logs/run/1": b"", "logs.txt": b""}
    inventory = inventory_of(
        files, empty_directories=("logs/none",), undigested=["logs/run/1", "logs.txt"]
    )
    coverage = compare(state(), inventory, accepted=IgnoreRules(paths=("logs", "logs.txt")))
    assert [u.path for u in coverage.uncovered] == ["logs.txt", "logs/none", "logs/run/1"]


def test_ignoring_a_directory_does_not_ignore_its_namesakes() -> None:
    """An ignored path covers itself and what is below, not what begins alike."""
    with refused(Code.FILE_NOT_COVERED, text="logs.txt"):
        compare(
            state(), inventory_of({**FILES, "logs.txt": b""}), accepted=IgnoreRules(paths=("logs",))
        )


def test_a_signed_file_stays_bound_even_where_the_caller_ignores_it() -> None:
    """Ignoring a signed file accepts it unchanged only."""
    accepted = IgnoreRules(paths=("config.json",))
    assert "config.json" in compare(state(), inventory_of(FILES), accepted=accepted).covered
    with refused(Code.DIGEST_MISMATCH, text="config.json"):
        compare(state(), inventory_of({**FILES, "config.json": b"x"}), accepted=accepted)


def test_a_signed_file_that_nobody_digested_is_refused() -> None:
    """A signed file without a digest is never taken for unchanged."""
    inventory = inventory_of(FILES, undigested=["config.json"])
    with refused(Code.EVIDENCE_INCOMPLETE, text="config.json: signed, and not digested"):
        compare(state(), inventory, accepted=IgnoreRules(paths=("config.json",)))


@pytest.mark.parametrize("path", ["", ".", "/", "..", "../x", "/x", "a//b", "./a", "a/"])
def test_a_path_to_ignore_has_one_spelling(path: str) -> None:
    """A path to ignore that is the root, outside it, or spelled otherwise is wrong usage."""
    with pytest.raises(UsageError):
        IgnoreRules(paths=(path,))


def test_a_gap_is_refused_unless_its_path_is_ignored() -> None:
    """What the inventory could not read is a problem, or reported where it is ignored."""
    gap = Gap(stage=Stage.INVENTORY, code=Code.SPECIAL_FILE, path="run/pipe", reason="a pipe")
    inventory = inventory_of(FILES, gaps=(gap,))
    with refused(Code.SPECIAL_FILE, text="run/pipe: a pipe"):
        compare(state(), inventory, accepted=IgnoreRules(unsigned_files=True))
    coverage = compare(state(), inventory, accepted=IgnoreRules(paths=("run",)))
    assert [u.path for u in coverage.uncovered] == ["run/pipe"]


def test_a_gap_of_the_whole_artifact_is_refused() -> None:
    """An inventory that is incomplete as a whole is never covered."""
    gap = Gap(stage=Stage.INVENTORY, code=Code.LIMIT_EXCEEDED, path=None, reason="too many")
    with refused(Code.LIMIT_EXCEEDED):
        compare(state(), inventory_of(FILES, gaps=(gap,)), accepted=IgnoreRules())


def test_signatures_and_claims_are_neither_covered_nor_uncovered() -> None:
    """Files about the model are no part of it."""
    files = {**FILES, "model.sig": b"s", "model.claims.jsonl": b"c"}
    coverage = compare(state(), inventory_of(files), accepted=STRICT)
    assert coverage.uncovered == ()


@pytest.mark.parametrize("name", [".", "weights.bin"])
def test_a_single_file_may_be_named_by_a_dot_or_its_base_name(name: str) -> None:
    """Both names that producers give a single-file model mean the one file."""
    inventory = inventory_of({".": b"x"}, name="weights.bin")
    assert compare(state({name: b"x"}), inventory, accepted=STRICT).covered == (".",)


def test_a_single_file_is_not_taken_under_another_name() -> None:
    """A signature that names another file does not cover a single-file model."""
    inventory = inventory_of({".": b"x"}, name="weights.bin")
    with refused(Code.FILE_MISSING):
        compare(state({"other.bin": b"x"}), inventory, accepted=STRICT)


def test_a_directory_is_not_a_single_file() -> None:
    """A signature over a single file covers no directory."""
    with refused(Code.FILE_MISSING):
        compare(state({".": b"x"}), inventory_of({"weights.bin": b"x"}), accepted=STRICT)


def test_a_link_that_the_caller_admitted_is_covered_like_its_file() -> None:
    """The signer, who cannot know how a cache lays files out, has no say in links."""
    inventory = inventory_of(FILES)
    linked = dataclasses.replace(
        inventory,
        entries=(
            entry("config.json", b"{}", through_symlink=True),
            *(e for e in inventory.entries if e.path != "config.json"),
        ),
    )
    assert not state().allow_symlinks
    assert "config.json" in compare(state(), linked, accepted=STRICT).covered


@pytest.mark.parametrize(
    "file_format",
    [FileFormat.TEXT, FileFormat.YAML, FileFormat.ZLIB, FileFormat.UNKNOWN, FileFormat.EMPTY],
)
def test_what_git_keeps_is_reported_as_uncovered(file_format: FileFormat) -> None:
    """Git's own files at the root are outside the signature and reported."""
    files = {**FILES, ".git/index": b"x"}
    inventory = inventory_of(
        files, formats={".git/index": file_format}, empty_directories=(".git/refs/tags",)
    )
    coverage = compare(state(), inventory, accepted=IgnoreRules())
    assert [u.path for u in coverage.uncovered] == [".git/index", ".git/refs/tags"]


@pytest.mark.parametrize("path", ["sub/.gitignore", ".gitmodules", ".Git/config", "sub/.git/x"])
def test_only_gits_own_names_at_the_root_are_left_out(path: str) -> None:
    """The default leaves out four names at the root, exactly, and nothing like them."""
    inventory = inventory_of({**FILES, path: b""}, formats={path: FileFormat.TEXT})
    with refused(Code.FILE_NOT_COVERED, text=path):
        compare(state(), inventory, accepted=IgnoreRules())


def test_git_metadata_is_refused_where_the_caller_wants_it_covered() -> None:
    """Without the default, a git file is an uncovered file like any other."""
    path = ".gitattributes"
    inventory = inventory_of({**FILES, path: b""}, formats={path: FileFormat.TEXT})
    with refused(Code.FILE_NOT_COVERED, text=path):
        compare(state(), inventory, accepted=STRICT)


def test_signed_git_metadata_is_verified() -> None:
    """A git file that the signature names is bound to it."""
    files = {**FILES, ".gitattributes": b"* text"}
    assert (
        ".gitattributes"
        in compare(state(files), inventory_of(files), accepted=IgnoreRules()).covered
    )
    with refused(Code.DIGEST_MISMATCH, text=".gitattributes"):
        compare(
            state(files), inventory_of({**files, ".gitattributes": b""}), accepted=IgnoreRules()
        )
