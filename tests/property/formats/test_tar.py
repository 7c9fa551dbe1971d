"""The tar reader on any bytes, and against Python's tarfile on what both can read."""

import contextlib
import io
import tarfile

from hypothesis import given
from hypothesis import strategies as st

from support.tars import tar_of
from weighbridge.core.content import BytesSource
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.tar import read_archive

_NAMES = st.text(st.sampled_from("abc/é."), min_size=1, max_size=120).filter(
    lambda name: "//" not in name and not name.startswith(("/", ".")) and not name.endswith("/")
)
_FORMATS = st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])


@given(
    members=st.dictionaries(_NAMES, st.binary(max_size=600), min_size=1, max_size=5), form=_FORMATS
)
def test_round_trip(members: dict[str, bytes], form: int) -> None:
    """Whatever Python writes is read with its names and its content."""
    data = tar_of(members, format=form)
    found = read_archive(BytesSource(data), check_time=lambda: None)
    assert {m.name: data[m.offset : m.offset + m.size] for m in found.members} == members


@given(
    members=st.dictionaries(st.sampled_from("abcd"), st.binary(max_size=520), max_size=3),
    changes=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, 512),
)
def test_silence_means_agreement(
    members: dict[str, bytes], changes: list[tuple[int, int]], cut: int
) -> None:
    """Where nothing is reported of a changed archive, tarfile reads the same members."""
    data = bytearray(tar_of(members))
    for at, value in changes:
        data[at % len(data)] = value
    whole = bytes(data[: len(data) - cut])
    try:
        found = read_archive(BytesSource(whole), check_time=lambda: None)
    except (MalformedContentError, LimitExceededError):
        return
    if found.anomalies:
        return
    theirs: dict[str, bytes] = {}
    with (
        contextlib.suppress(tarfile.ReadError),
        tarfile.open(fileobj=io.BytesIO(whole), mode="r:") as archive,
    ):
        for info in archive:
            content = archive.extractfile(info)
            if content is not None:
                theirs[info.name.removeprefix("./")] = content.read()
    ours = {m.name: whole[m.offset : m.offset + m.size] for m in found.members}
    assert ours == theirs


@given(data=st.binary(max_size=2000))
def test_any_bytes(data: bytes) -> None:
    """Any bytes are an archive, malformed, or beyond a bound."""
    with contextlib.suppress(MalformedContentError, LimitExceededError):
        read_archive(BytesSource(data), check_time=lambda: None)
