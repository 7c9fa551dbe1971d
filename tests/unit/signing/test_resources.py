"""Names of a manifest's entries, and what they cover."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.digest import HashLayout
from weighbridge.inventory.names import name_problem
from weighbridge.signing.resources import (
    Resource,
    path_problem,
    root_digest,
    split_name,
    tiling_problem,
)

SHARDS = HashLayout(shard_size=4)


@pytest.mark.parametrize(
    "path", [".", "a", "a/b.c", "..a", "a..", "...", "a:b:0:4", "~", "Ünï/コ", "a b"]
)
def test_canonical_paths_are_accepted(path: str) -> None:
    """An ordinary relative path is acceptable, whatever it looks like."""
    assert path_problem(path) is None


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        "./a",
        "a/.",
        "..",
        "../a",
        "a/../b",
        "a\0b",
        "a\nb",
        "a\x7f",
        "a\\b",
        "a\u202eb",
        "e\u0301",
        "a\ud800",
        "/".join("a" * 66),
        "a" * 5000,
        "/".join(["é" * 1000] * 4),
    ],
)
def test_every_other_spelling_of_a_path_is_refused(path: str) -> None:
    """A path that leaves the root, is absurd, or has a second spelling is not acceptable."""
    assert path_problem(path)


@given(path=st.text(alphabet="a./\\ ~\x7f\n", max_size=12))
def test_the_quick_check_agrees_with_the_thorough_one(path: str) -> None:
    """A path that the quick pattern lets through has only ordinary components."""
    ordinary = path == "." or all(
        component not in {"", ".", ".."} and name_problem(component) is None
        for component in path.split("/")
    )
    assert (path_problem(path) is None) == ordinary


def test_only_the_last_two_fields_of_a_shard_are_numbers() -> None:
    """Colons in a file name do not confuse the range."""
    assert split_name("a:0:4:4:8", SHARDS) == ("a:0:4", 4, 8)
    assert split_name("a:0:4", HashLayout()) == ("a:0:4", 0, None)


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "a:0",
        ":0:4",
        "a:0:",
        "a:00:4",
        "a:0:04",
        "a:-1:4",
        "a:+0:4",
        "a:0:1_0",
        "a:0:٤",
        "a: 0:4",
        "a:0:0",
        "a:0:99999999999999999999",
    ],
)
def test_a_shard_without_a_plain_range_is_refused(name: str) -> None:
    """A shard's range is two plain decimal numbers."""
    with pytest.raises(ValueError, match="START:END"):
        split_name(name, SHARDS)


def shards(*ranges: tuple[int, int]) -> list[Resource]:
    """Return the shards of one file."""
    return [Resource("f", start, end, bytes(32)) for start, end in ranges]


@pytest.mark.parametrize("ranges", [[(0, 4)], [(0, 1)], [(0, 4), (4, 8)], [(4, 6), (0, 4)]])
def test_shards_that_tile_a_file_are_accepted(ranges: list[tuple[int, int]]) -> None:
    """Shards without hole or overlap cover a file, in whatever order they come."""
    assert tiling_problem(shards(*ranges), 4) is None


@pytest.mark.parametrize(
    "ranges",
    [
        [(4, 8)],
        [(0, 4), (8, 12)],
        [(0, 4), (2, 6)],
        [(0, 3), (3, 7)],
        [(0, 5)],
        [(0, 4), (4, 9)],
        [(0, 4), (0, 4)],
    ],
)
def test_shards_with_a_hole_or_an_overlap_are_not(ranges: list[tuple[int, int]]) -> None:
    """Shards that leave a byte out, cover one twice or have another size do not cover a file."""
    assert tiling_problem(shards(*ranges), 4)


def test_the_root_digest_depends_on_content_and_order_only() -> None:
    """The root digest changes with order and content, and not with names."""
    a, b = bytes(32), bytes([1]) * 32
    one = root_digest([Resource("x", 0, None, a), Resource("y", 0, None, b)])
    assert one == root_digest([Resource("p", 0, None, a), Resource("q", 0, None, b)])
    assert one != root_digest([Resource("y", 0, None, b), Resource("x", 0, None, a)])
