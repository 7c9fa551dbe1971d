"""Rule `config-import`: modules and folders that using a configuration imports."""

import json

import pytest

from support.rule_vectors import assert_vector_holds
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat as F
from weighbridge.formats.json import JsonValue

RULE = "config-import"


def test_vector() -> None:
    """A folder to import is found, none is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("custom_imports", {"imports": ["extra"]}, True),
        ("custom_imports", {}, False),
        ("plugin_dir", "extra/", True),
        ("plugin_dir", False, False),
        ("user_dir", "extra", True),
        ("user_dir", "", False),
        ("user_dir", None, False),
        ("megatron_core", "extra.core", True),
        ("megatron_core", "megatron.core", False),
        ("data_dir", "extra", False),
    ],
)
def test_json(key: str, value: JsonValue, *, expected: bool) -> None:
    """A key that names something is found wherever it stands; what PEFT writes itself is not."""
    data = json.dumps({"a": [{key: value}]}).encode()
    assert (RULE in rules_of(examined(data, format=F.JSON, path="config.json"))) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("custom_imports:\n  imports: [extra]\n", True),
        ("custom_imports: null\n", False),
        ("user_dir: extra\n", True),
        ("user_dir: ~\n", False),
        ("user_dir:\n", False),
        ("# a user_dir\n", False),
    ],
)
def test_yaml(text: str, *, expected: bool) -> None:
    """YAML says the same, also where the value stands on the lines below."""
    found = examined(text.encode(), format=F.YAML, path="config.yaml")
    assert (RULE in rules_of(found)) is expected
