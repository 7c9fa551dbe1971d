"""Keras archives: configurations in every reading, weights and other members as what they are."""

import io
import json
import pickle
import zipfile

import pytest

from support.hdf5 import FOLDER
from support.keras import archive, layer, sequential
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.core.evidence import Finding, Gap
from weighbridge.formats.sniff import sniff

_BENIGN = json.dumps(sequential(layer("Dense"))).encode()
_LAMBDA = json.dumps(sequential(layer("Lambda"))).encode()


def _zipped(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members:
            made.writestr(name, data)
    return buffer.getvalue()


def _examined(data: bytes) -> tuple[Finding | Gap, ...]:
    assert sniff(BytesSource(data), name="model.keras").format is FileFormat.KERAS_V3
    return examined(data, format=FileFormat.KERAS_V3, path="model.keras")


def test_clean() -> None:
    """A model of layers that compute, with its weights, is clean."""
    weights = (FOLDER / "many.h5").read_bytes()
    members = (("metadata.json", b"{}"), ("config.json", _BENIGN), ("model.weights.h5", weights))
    assert _examined(_zipped(*members)) == ()


def test_findings_name_the_member() -> None:
    """A finding in the configuration is about that member."""
    (finding,) = _examined(archive(_LAMBDA))
    assert isinstance(finding, Finding)
    assert (finding.path, finding.member) == ("model.keras", "config.json")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("order", [(_LAMBDA, _BENIGN), (_BENIGN, _LAMBDA)])
def test_two_configurations(order: tuple[bytes, bytes]) -> None:
    """Of two configurations, both are examined: readers take the first or the last."""
    data = _zipped(("metadata.json", b"{}"), *(("config.json", each) for each in order))
    assert {"keras-lambda-layer", "zip-anomaly"} <= rules_of(_examined(data))


def test_weights_are_examined() -> None:
    """Weights that lead to other files are found."""
    weights = (FOLDER / "latest.h5").read_bytes()
    members = (("config.json", _BENIGN), ("model.weights.h5", weights))
    found = [e for e in _examined(_zipped(*members)) if isinstance(e, Finding)]
    assert ("hdf5-external-link", "model.weights.h5") in {(f.rule, f.member) for f in found}


def test_other_members_are_examined() -> None:
    """A pickle among what layers keep is examined."""
    members = (("config.json", _BENIGN), ("metadata.json", b"{}"), ("assets/x", b"cos\nsystem\n."))
    assert "pickle-dangerous-global" in rules_of(_examined(_zipped(*members)))
    harmless = (*members[:2], ("assets/x", pickle.dumps([1])))
    assert _examined(_zipped(*harmless)) == ()


def test_settings_of_other_frameworks() -> None:
    """A configuration that names an object for another framework is found here, too."""
    document = sequential(layer("Dense"), _target_="os.system")
    assert "config-target" in rules_of(_examined(archive(document)))


def test_broken_member() -> None:
    """A configuration that cannot be unpacked is a gap."""
    data = bytearray(_zipped(("metadata.json", b"{}"), ("config.json", _LAMBDA * 3)))
    at = data.index(b"config.json") + len(b"config.json")
    data[at : at + 4] = b"\xff\xff\xff\xff"
    assert any(isinstance(each, Gap) for each in _examined(bytes(data)))
