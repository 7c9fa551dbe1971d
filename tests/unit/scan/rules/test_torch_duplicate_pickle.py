"""A checkpoint has one member that can be taken for its pickle."""

import io
import warnings
import zipfile

import pytest

from support import pickles as p
from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat

CLEAN = p.stream(p.dict_of(p.text("a"), p.NONE))


def _checkpoint(*members: tuple[str, bytes]) -> bytes:
    """Return a zip with *members*, equal names included."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, data in members:
                archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


BAD = {
    "payload-first": (("m/data.pkl", p.stream(p.system())), ("m/data.pkl", CLEAN)),
    "payload-last": (("m/data.pkl", CLEAN), ("m/data.pkl", p.stream(p.system()))),
    "case": (("m/data.pkl", CLEAN), ("m/DATA.PKL", p.stream(p.system()))),
    "other-root": (("m/data.pkl", CLEAN), ("n/data.pkl", p.stream(p.system()))),
}


@pytest.mark.parametrize("members", BAD.values(), ids=BAD)
def test_each_pickle_is_reported_and_walked(members: tuple[tuple[str, bytes], ...]) -> None:
    """Two candidates are reported, and the payload is found in either of them."""
    found = rules_of(examined(_checkpoint(*members), format=FileFormat.TORCH_ZIP))
    assert {"torch-duplicate-pickle", "pickle-dangerous-global"} <= found


def test_one_pickle_is_not_reported() -> None:
    """A checkpoint with one pickle has no finding at all."""
    data = _checkpoint(("m/data.pkl", CLEAN), ("m/version", b"3\n"))
    assert not rules_of(examined(data, format=FileFormat.TORCH_ZIP))


@pytest.mark.parametrize("name", ["m/hidden", "m/data/7", "hook.pkl", "m/.data/x"])
def test_a_pickle_under_any_name_is_walked(name: str) -> None:
    """A member that no storage id names is examined, whatever it is called."""
    data = _checkpoint(("m/data.pkl", CLEAN), (name, p.stream(p.system())))
    assert "pickle-dangerous-global" in rules_of(examined(data, format=FileFormat.TORCH_ZIP))
