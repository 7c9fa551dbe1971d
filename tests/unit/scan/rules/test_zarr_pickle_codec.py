"""Rule `zarr-pickle-codec`: codecs of arrays, in the files of each version."""

import json

import pytest

from support.rule_vectors import assert_vector_holds
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat as F
from weighbridge.formats.json import JsonValue

RULE = "zarr-pickle-codec"
PICKLE: JsonValue = {"id": "pickle", "protocol": 4}
ZLIB: JsonValue = {"id": "zlib", "level": 1}


def test_vector() -> None:
    """A codec that unpickles is found, one that inflates is not."""
    assert_vector_holds(RULE)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"zarr_format": 2, "filters": [ZLIB, PICKLE]}, True),
        ({"zarr_format": 2, "compressor": PICKLE}, True),
        ({"zarr_format": 2, "filters": [ZLIB], "compressor": None}, False),
        ({"zarr_consolidated_format": 1, "metadata": {"a/.zarray": {"filters": [PICKLE]}}}, True),
        ({"zarr_format": 3, "codecs": [{"name": "numcodecs.pickle"}]}, True),
        ({"zarr_format": 3, "codecs": [{"name": "zstd"}, {"name": ["pickle"]}]}, False),
        ({"filters": [PICKLE]}, False),
    ],
)
def test_metadata(document: JsonValue, *, expected: bool) -> None:
    """Codecs are found wherever metadata of arrays have them, and in no other JSON."""
    data = json.dumps(document).encode()
    found = rules_of(examined(data, format=F.JSON, path="x/.zarray"))
    assert (RULE in found) is expected


def test_metadata_of_many_arrays() -> None:
    """They are found in a document that is too large to be read at once, too."""
    arrays: dict[str, JsonValue] = {
        f"{number}/.zarray": {"filters": [ZLIB], "shape": [1] * 50} for number in range(4000)
    }
    arrays["last/.zarray"] = {"filters": [PICKLE]}
    document = {"metadata": arrays, "zarr_consolidated_format": 1}
    data = json.dumps(document).encode()
    assert RULE in rules_of(examined(data, format=F.JSON, path=".zmetadata"))
    arrays["last/.zarray"] = {"filters": [ZLIB]}
    data = json.dumps(document).encode()
    assert examined(data, format=F.JSON, path=".zmetadata") == ()
