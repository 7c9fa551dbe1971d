"""Orders and reports come out as they went in."""

from hypothesis import given
from hypothesis import strategies as st

from weighbridge.sandbox.steps.interface import (
    Isolation,
    Observation,
    StepMeasure,
    StepOrder,
    StepReport,
)
from weighbridge.sandbox.steps.wire import (
    decode_order,
    decode_report,
    encode_order,
    encode_report,
)

NAMES = st.binary(max_size=8).map(lambda data: data.decode(errors="surrogateescape"))
PLACES = st.lists(NAMES, max_size=3).map(tuple)
ISOLATIONS = st.builds(
    Isolation,
    readable=PLACES,
    writable=PLACES,
    devices=PLACES,
    listable=PLACES,
    ports=st.lists(st.integers(1, 65535), max_size=2).map(tuple),
)
ORDERS = st.builds(
    StepOrder,
    program=NAMES,
    command=PLACES,
    environment=st.lists(st.tuples(NAMES, NAMES), max_size=3).map(tuple),
    isolation=st.none() | ISOLATIONS,
    observe=st.booleans(),
    expected=PLACES,
    quiet_output=st.booleans(),
    grace_seconds=st.integers(0, 100),
)
REPORTS = st.builds(
    StepReport,
    exit_code=st.none() | st.integers(0, 255),
    signal=st.none() | st.integers(1, 64),
    failure=st.none() | st.text(),
    enforced=st.just(()) | st.just(tuple(StepMeasure)),
    observation=st.none()
    | st.builds(Observation, files=PLACES, network=st.booleans(), blind=PLACES),
    unobserved=st.none() | st.text(),
    ended=st.integers(0, 9),
    stubborn=st.booleans(),
)


@given(ORDERS)
def test_orders(order: StepOrder) -> None:
    """Any order survives, also with names that are no text."""
    assert decode_order(encode_order(order)) == order


@given(REPORTS)
def test_reports(report: StepReport) -> None:
    """Any report survives."""
    assert decode_report(encode_report(report)) == report
