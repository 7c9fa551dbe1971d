"""The front matter of model cards: plain values are read, everything else is named and left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.limits.documents import MAX_FRONT_MATTER_BYTES
from weighbridge.formats.front_matter import FrontMatter, read_front_matter

CARD = b"""---
language:
- en
- 'no'
license: apache-2.0
license_link: https://example.com/LICENSE
library_name: "sentence-transformers"
# a comment
datasets: [s2orc, flax/stack]
model-index:
- name: x
  results: []
widget: |
  text
tags: []
empty:
---
# A model
license: mit
"""


def test_plain_values_are_read() -> None:
    """Scalars, quoted scalars, both kinds of lists; the text below counts for nothing."""
    card = read_front_matter(CARD)
    assert card.get("language") == ("en", "no")
    assert card.get("license") == ("apache-2.0",)
    assert card.get("license_link") == ("https://example.com/LICENSE",)
    assert card.get("library_name") == ("sentence-transformers",)
    assert card.get("datasets") == ("s2orc", "flax/stack")
    assert card.get("tags") == ()
    assert card.get("absent") == ()


def test_what_is_not_plain_is_named() -> None:
    """Nested values and block texts are skipped, under their names."""
    assert read_front_matter(CARD).skipped == ("model-index", "widget")


@pytest.mark.parametrize(
    "value",
    [
        "&a x",
        "*a",
        "!tag x",
        "{a: b}",
        "'it''s'",
        '"a\\n"',
        "a: b",
        "a # b",
        "- a",
        "[a, [b]]",
        "> x",
    ],
)
def test_constructs_that_readers_take_differently_are_skipped(value: str) -> None:
    """Anchors, tags, escapes, comments after values and the like are no plain values."""
    card = read_front_matter(f"---\nlicense: {value}\n---\n".encode())
    assert card == FrontMatter(skipped=("license",))


def test_a_name_that_occurs_twice_has_no_value() -> None:
    """Readers differ in which one counts, so none does."""
    card = read_front_matter(b"---\nlicense: mit\nlicense: other\n---\n")
    assert card == FrontMatter(skipped=("license",))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"# no front matter\nlicense: mit\n",
        b"--- \x00",
        b"---\nlicense: mit\n",
        b"---\n" + b"a: b\n" * MAX_FRONT_MATTER_BYTES + b"---\n",
    ],
)
def test_without_an_end_in_time_there_is_none(data: bytes) -> None:
    """What does not begin and end as front matter has no values."""
    assert read_front_matter(data) == FrontMatter()


@given(st.binary(max_size=300) | st.text(alphabet="-a: []'\"\n#&*", max_size=300).map(str.encode))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    """Whatever the bytes, names are said once: as read, or as skipped."""
    card = read_front_matter(b"---\n" + data)
    names = [name for name, _ in card.values]
    assert len({*names, *card.skipped}) == len(names) + len(card.skipped)
