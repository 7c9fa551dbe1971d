"""What the scan and its workers say to each other, and what is not believed."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.scanning import subject_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.errors import MalformedContentError
from weighbridge.core.evidence import Confidence, Finding, Gap, Severity, Stage
from weighbridge.core.limits.scanning import (
    MAX_FINDINGS_PER_FILE,
    MAX_MESSAGE_CHARS,
    MAX_WORKER_READ_BYTES,
)
from weighbridge.scan.interface import Budget
from weighbridge.scan.worker import wire

SUBJECT = subject_of(b"x", format=FileFormat.PICKLE, path="a/b")
FINDING = Finding(
    rule="suffix-lies",
    severity=Severity.LOW,
    confidence=Confidence.HIGH,
    path="a/b",
    member="m\ud800",
    offset=3,
    line=7,
    message="it lies",
    evidence=("one", "two"),
)
GAP = Gap(stage=Stage.SCAN, code=Code.SCAN_LIMIT, path="a/b", reason="too much")
GOOD: list[object] = ["suffix-lies", "low", "high", None, None, None, "text", []]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["suffix-lies", "low", "high", "scan-limit"]),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=20,
)  # fmt: skip


class TestReports:
    """Findings and gaps about one file."""

    def test_round_trip(self) -> None:
        """What is reported arrives."""
        payload = wire.encode_report((FINDING, GAP))
        assert wire.decode_report(payload, SUBJECT) == (FINDING, GAP)

    def test_nothing(self) -> None:
        """A report of nothing is a constant."""
        assert wire.encode_report(()) == wire.NOTHING
        assert wire.decode_report(wire.NOTHING, SUBJECT) == ()

    def test_members(self) -> None:
        """How many members were examined arrives beside the findings."""
        subject = replace(SUBJECT, budget=Budget())
        assert wire.decode_report(wire.encode_report((), members=3), subject) == ()
        assert subject.budget.examined == 3

    def test_long_texts_are_cut(self) -> None:
        """A text of any length leaves a worker, cut and marked."""
        payload = wire.encode_report((replace(FINDING, message="x" * 10_000),))
        (finding,) = wire.decode_report(payload, SUBJECT)
        assert isinstance(finding, Finding)
        assert len(finding.message) == MAX_MESSAGE_CHARS
        assert finding.message.endswith("…")

    def test_file_is_the_callers(self) -> None:
        """Whatever file a worker means, its report is about the one that it was given."""
        payload = wire.encode_report((replace(FINDING, path="other"), replace(GAP, path="other")))
        found = wire.decode_report(payload, SUBJECT)
        assert {each.path for each in found} == {"a/b"}

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            (0, "no-such-rule"),
            (0, ["suffix-lies"]),
            (1, "none"),
            (2, 1),
            (3, 5),
            (3, "m" * 10_000),
            (4, -1),
            (4, True),
            (4, 1.5),
            (4, 2**63),
            (5, -1),
            (5, "7"),
            (5, True),
            (6, None),
            (6, "x" * (MAX_MESSAGE_CHARS + 1)),
            (7, "text"),
            (7, [1]),
            (7, [""] * 21),
        ],
    )
    def test_refused_finding(self, place: int, value: object) -> None:
        """A finding with a value that cannot be is refused; the same without it is taken."""
        bad = [*GOOD[:place], value, *GOOD[place + 1 :]]
        assert wire.decode_report(json.dumps([[GOOD], [], 0]).encode(), SUBJECT)
        with pytest.raises(MalformedContentError):
            wire.decode_report(json.dumps([[bad], [], 0]).encode(), SUBJECT)

    @pytest.mark.parametrize("code", ["allowed", "policy-denied", "no-such-code", None])
    def test_refused_gap(self, code: object) -> None:
        """A worker can only say that it did not examine something."""
        with pytest.raises(MalformedContentError):
            wire.decode_report(json.dumps([[], [[code, None, "text"]], 0]).encode(), SUBJECT)

    @pytest.mark.parametrize(
        "payload",
        [
            b"",
            b"{}",
            b"[]",
            b"[[],[]]",
            b"[[],[],[]]",
            b"[[],[],-1]",
            b"[[],[],true]",
            b"[[],[],1.0]",
            b"[[],[],0,0]",
            b"[[NaN],[],0]",
            b"\xff",
            b"[" * 200_000,
            b"9" * 10_000,
            json.dumps([[GOOD] * (MAX_FINDINGS_PER_FILE + 1), [], 0]).encode(),
        ],
    )
    def test_no_report(self, payload: bytes) -> None:
        """What is no report is refused as such."""
        with pytest.raises(MalformedContentError):
            wire.decode_report(payload, SUBJECT)

    @given(document=JSON)
    def test_any_json(self, document: object) -> None:
        """Any JSON is a report or is refused, and nothing else happens."""
        try:
            found = wire.decode_report(json.dumps(document).encode(), SUBJECT)
        except MalformedContentError:
            return
        assert all(isinstance(each, Finding | Gap) for each in found)

    @given(payload=st.binary(max_size=60))
    def test_any_bytes(self, payload: bytes) -> None:
        """Random bytes are refused."""
        if payload != wire.NOTHING:
            with pytest.raises(MalformedContentError):
                wire.decode_report(payload, SUBJECT)


class TestOrders:
    """Files to examine."""

    @pytest.mark.parametrize("promised", [None, FileFormat.NPY])
    def test_round_trip(self, promised: FileFormat | None) -> None:
        """An order arrives with its bytes."""
        order = wire.Order(
            path="a/ä\udcff",
            format=FileFormat.PICKLE,
            name="ä\udcff",
            suffix_format=promised,
            size=3,
            seconds=1.5,
            careful=True,
            content=wire.Content.INLINE,
        )
        assert wire.decode_order(wire.encode_order(order, data=b"abc")) == (order, b"abc")

    def test_files(self) -> None:
        """The artifact's files arrive with their sizes and formats."""
        sizes = {"a": 1, "ä\udcff": 2}
        formats = {"ä\udcff": FileFormat.NPY}
        assert wire.decode_files(wire.encode_files(sizes, formats)) == (sizes, formats)


class TestReads:
    """What a worker asks for."""

    def test_within(self) -> None:
        """Bytes within the file are given, as many as there are."""
        assert wire.decode_read(wire.encode_read(3, 10), size=5) == (3, 2)

    @pytest.mark.parametrize(
        "payload",
        [
            wire.encode_read(6, 1),
            wire.encode_read(0, 0),
            wire.encode_read(0, MAX_WORKER_READ_BYTES + 1),
            b"",
            b"x" * 13,
        ],
    )
    def test_outside(self, payload: bytes) -> None:
        """Bytes outside of the file, too many, or nothing, are no request."""
        with pytest.raises(MalformedContentError):
            wire.decode_read(payload, size=5)
