"""What holds of claims files, whatever is in them."""

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from support.claims import bundle
from weighbridge.core.errors import LimitExceededError
from weighbridge.pipeline.claims.reading import ClaimLine, parse_lines
from weighbridge.pipeline.claims.writing import append_lines

GOOD = tuple(bundle(text) for text in "abc")
LINES = st.one_of(
    st.sampled_from(GOOD),
    st.binary(max_size=40),
    st.sampled_from([b"", b"\r", b" \t", b"{}", b"null", GOOD[0][:-1], b"[" * 300]),
    st.builds(
        lambda line, at, value: line[:at] + bytes([value]) + line[at + 1 :],
        st.sampled_from(GOOD),
        st.integers(0, 400),
        st.integers(0, 255),
    ),
)
FILES = st.lists(LINES, max_size=6).map(b"\n".join)


def bundles(lines: tuple[ClaimLine, ...]) -> list[bytes]:
    """Return the lines that are bundles."""
    return [line.data for line in lines if line.bundle is not None]


@given(FILES)
def test_each_line_is_a_bundle_or_a_gap(data: bytes) -> None:
    """No file makes the reader fail, and no line is neither, both, or there twice."""
    lines = parse_lines(data, name="x")
    assert all((line.bundle is None) is not (line.gap is None) for line in lines)
    assert len({line.data for line in lines}) == len(lines)
    assert {line.data for line in lines} == {
        line.strip(b" \t\r") for line in data.split(b"\n") if line.strip(b" \t\r")
    }


@given(FILES, FILES)
def test_a_line_means_the_same_beside_others(one: bytes, other: bytes) -> None:
    """What a line is does not depend on the lines around it."""
    alone = {line.data: line.bundle is None for line in parse_lines(one, name="x")}
    both = {line.data: line.bundle is None for line in parse_lines(other + b"\n" + one, name="x")}
    assert all(both[data] is broken for data, broken in alone.items())


@given(FILES, st.lists(st.sampled_from(GOOD), max_size=4))
def test_appending_keeps_everything_and_adds_each_once(before: bytes, new: list[bytes]) -> None:
    """The old content is the beginning of the new one, and no bundle is there twice for it."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory, "model.claims.jsonl")
        place.write_bytes(before)
        try:
            added = append_lines(place, new)
        except LimitExceededError:
            assert place.read_bytes() == before
            return
        after = place.read_bytes()
        assert after.startswith(before)
        known = bundles(parse_lines(before, name="x"))
        found = bundles(parse_lines(after, name="x"))
        assert found == [*known, *(line for line in dict.fromkeys(new) if line not in known)]
        assert added == len(found) - len(known)
        assert (added == 0) == (after == before)
        assert append_lines(place, new) == 0
        assert place.read_bytes() == after
