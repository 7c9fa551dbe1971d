"""Rule `torch-storage-size`."""

from support import pickles as p
from support import torch_files as t
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Severity

RULE = "torch-storage-size"
STATE = t.state(w=t.vector("0", 2))


def test_vector() -> None:
    """A storage that is too small is found, one of the right size is not."""
    assert_vector_holds(RULE)


def test_a_missing_storage_is_medium() -> None:
    """A storage that the archive lacks is a medium finding."""
    data = t.checkpoint(STATE, {"1": bytes(8)})
    (finding,) = findings_of(RULE, examined(data, format=FileFormat.TORCH_ZIP))
    assert finding.severity is Severity.MEDIUM


def test_a_larger_storage_is_no_finding() -> None:
    """A storage may have more bytes than one view of it needs."""
    data = t.checkpoint(STATE, {"0": bytes(12)})
    assert not findings_of(RULE, examined(data, format=FileFormat.TORCH_ZIP))


def test_inputs_of_a_trace_have_no_bytes() -> None:
    """The inputs that a program was traced with are stored without their bytes."""
    data = t.checkpoint(
        p.EMPTY_DICT,
        members={"traced_inputs.pkl": p.stream(STATE), "traced_inputs/0": b""},
    )
    assert not examined(data, format=FileFormat.TORCH_ZIP)
