"""Listing what files need: every name, its count and what is known of it."""

from dataclasses import replace

import pytest

from support import pickles as p
from support.scanning import subject_of
from support.zips import zip_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Gap
from weighbridge.scan.need import NeedStatus, read_needs
from weighbridge.scan.needs import list_needs
from weighbridge.scan.worker import wire

ORDERED = p.name("collections", "OrderedDict")
STREAM = p.stream(
    p.tuple_of(ORDERED, ORDERED, p.name("acme.model", "Net"), p.system()),
)


def _listed(data: bytes, *, format: FileFormat = FileFormat.PICKLE) -> list[tuple[str, int, str]]:  # noqa: A002  as there
    """Return name, count and status of what a file needs."""
    subject = subject_of(data, format=format)
    found = [item for item in list_needs(subject) if isinstance(item, Finding)]
    return [(need.name, need.count, str(need.status)) for need in read_needs(found)]


def test_every_name_is_listed() -> None:
    """Listed, unknown and dangerous names are told apart and counted."""
    assert _listed(STREAM) == [
        ("collections.OrderedDict", 2, "listed"),
        ("acme.model.Net", 1, "unknown"),
        ("os.system", 1, "dangerous"),
    ]


def test_members_are_listed() -> None:
    """Names within an archive come with the member that has them."""
    archive = zip_of({"a/data.pkl": STREAM})
    found = list_needs(subject_of(archive, format=FileFormat.ZIP))
    needs = read_needs(e for e in found if isinstance(e, Finding))
    assert {need.member for need in needs} == {"a/data.pkl"}
    assert {need.pack for need in needs if need.status is NeedStatus.LISTED} == {"python"}
    assert {need.pack for need in needs if need.status is not NeedStatus.LISTED} == {None}


def test_another_way_to_a_listed_name_is_unknown() -> None:
    """A name is listed by its own module only, and not by way of another one."""
    body = p.tuple_of(
        p.name("torch.nn.modules.linear", "Linear"), p.stacked("torch.nn", "modules.linear.Linear")
    )
    assert [status for _, _, status in _listed(p.stream(body, protocol=4))] == ["listed", "unknown"]
    alone = p.stream(p.stacked("torch.nn", "modules.linear.Linear"), protocol=4)
    assert [status for _, _, status in _listed(alone)] == ["unknown"]


def test_what_cannot_be_read_is_a_gap() -> None:
    """A file that is no archive although it should be is not silently without names."""
    found = list_needs(subject_of(b"PK\x03\x04rubbish", format=FileFormat.ZIP))
    assert any(isinstance(item, Gap) for item in found)


def test_the_list_survives_the_way_out_of_a_worker() -> None:
    """What a confined worker reports is read as what it found."""
    subject = subject_of(STREAM, format=FileFormat.PICKLE)
    found = list_needs(subject)
    received = wire.decode_report(wire.encode_report(found), subject)
    assert read_needs(e for e in received if isinstance(e, Finding)) == read_needs(
        e for e in found if isinstance(e, Finding)
    )


@pytest.mark.parametrize(
    ("message", "evidence"),
    [
        ("listed", ("torch", "1")),
        ("listed", ("torch", "many", "a.b")),
        ("fine", ("torch", "1", "a.b")),
        ("listed", ("torch", "-1", "a.b")),
    ],
)
def test_another_form_is_left_out(message: str, evidence: tuple[str, ...]) -> None:
    """A finding that is no entry of such a list is not read as one."""
    good = next(e for e in list_needs(subject_of(STREAM, format=FileFormat.PICKLE)))
    assert isinstance(good, Finding)
    assert len(read_needs([good])) == 1
    assert read_needs([replace(good, message=message, evidence=evidence)]) == ()
