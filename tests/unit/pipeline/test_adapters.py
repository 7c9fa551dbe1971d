"""What adapters call their bases: read strictly, and never left out."""

import json
from dataclasses import replace

import pytest

from support.holding import hold_files
from support.policies import entry_of, inventory_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import ClaimedBase
from weighbridge.core.limits.documents import MAX_CONFIG_BYTES
from weighbridge.core.limits.policy import MAX_REFERENCE_CHARS
from weighbridge.pipeline.adapters import claimed_bases

CONFIG = "adapter_config.json"


def bases_of(files: dict[str, bytes]) -> list[ClaimedBase]:
    """Return the bases that *files* name."""
    entries = [replace(entry_of(path, FileFormat.JSON), size=len(files[path])) for path in files]
    return list(claimed_bases(inventory_of(*entries), hold_files(files)))


def config(**members: object) -> bytes:
    """Return the configuration of an adapter."""
    return json.dumps({"peft_type": "LORA", **members}).encode()


def test_named() -> None:
    """What the configuration says is the claim."""
    found = bases_of({CONFIG: config(base_model_name_or_path="acme/bert")})
    assert found == [ClaimedBase(path=CONFIG, name="acme/bert")]


def test_no_adapter() -> None:
    """A model without such a configuration names no base."""
    assert bases_of({"config.json": config(base_model_name_or_path="acme/bert")}) == []
    assert bases_of({f"x_{CONFIG}": config(base_model_name_or_path="acme/bert")}) == []


def test_several() -> None:
    """Each adapter of an artifact names its own."""
    found = bases_of(
        {
            CONFIG: config(base_model_name_or_path="a"),
            f"legal/{CONFIG}": config(base_model_name_or_path="b"),
        }
    )
    assert [(each.path, each.name) for each in found] == [(CONFIG, "a"), (f"legal/{CONFIG}", "b")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"{",
        config(base_model_name_or_path=None),
        config(base_model_name_or_path=""),
        config(base_model_name_or_path=["a"]),
        config(base_model_name_or_path="a" * (MAX_REFERENCE_CHARS + 1)),
        b'{"base_model_name_or_path": "a", "base_model_name_or_path": "b"}',
        b"\xff\xfe",
    ],
    ids=range(10),
)
def test_nothing_to_hold_on_to(data: bytes) -> None:
    """What cannot be read, or says nothing, is an adapter whose base nobody knows."""
    (found,) = bases_of({CONFIG: data})
    assert (found.path, found.name) == (CONFIG, None)
    assert found.problem


def test_too_large() -> None:
    """A configuration beyond the bound is not read."""
    entry = replace(entry_of(CONFIG, FileFormat.JSON), size=MAX_CONFIG_BYTES + 1)
    (found,) = claimed_bases(inventory_of(entry), hold_files({}))
    assert found.name is None
    assert str(MAX_CONFIG_BYTES) in (found.problem or "")
