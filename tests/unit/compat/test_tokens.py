"""Token URIs of the reference become ours: no PIN in them, and the library that was allowed."""

from pathlib import Path
from urllib.parse import quote

import pytest

from weighbridge.compat.model_signing.tokens import read_token_uri
from weighbridge.core.errors import OperationError
from weighbridge.signing.pkcs11.uri import parse_token_uri

KEY = "pkcs11:token=t;object=o"


@pytest.mark.parametrize(
    ("uri", "left"),
    [
        (f"{KEY}?pin-value=12%2034", KEY),
        (f"{KEY}?module-name=m&pin-value=12%2034", f"{KEY}?module-name=m"),
        (f"{KEY}?pin-value=12%2034&module-name=m", f"{KEY}?module-name=m"),
        ("pkcs11:pin-value=12%2034;token=t;object=o", KEY),
        (f"{KEY};type=public?pin-value=12%2034", KEY),
        (
            "pkcs11:type=public;token=t;object=o?pin-value=12%2034&module-name=m",
            f"{KEY}?module-name=m",
        ),
        (f"{KEY};type=private?pin-value=12%2034", f"{KEY};type=private"),
    ],
)
def test_a_pin_is_taken_out(uri: str, left: str) -> None:
    """The PIN is decoded, is not in what is left, and does not show in the value's text."""
    access = read_token_uri(uri)
    assert (access.uri, access.pin) == (left, "12 34")
    assert parse_token_uri(access.uri).label == "o"
    assert "12 34" not in repr(access)


def test_a_uri_without_a_pin_stays(tmp_path: Path) -> None:
    """A URI without a PIN, and without a library that could be looked for, is as it was."""
    assert read_token_uri(KEY).uri == KEY
    access = read_token_uri(f"{KEY}?pin-source=/pin-value=1", module_paths=[tmp_path])
    assert (access.uri, access.pin) == (f"{KEY}?pin-source=/pin-value=1", None)


@pytest.mark.parametrize("file", ["libmine.so", "mine.so"])
def test_a_library_is_found_where_it_may_be(tmp_path: Path, file: str) -> None:
    """A library is found by name in a given directory, or where it is given itself."""
    place = tmp_path / file
    place.write_bytes(b"")
    wanted = f"{KEY}?module-path={quote(str(place))}"
    for allowed in (tmp_path, place):
        access = read_token_uri(f"{KEY}?module-name=mine", module_paths=[allowed])
        assert access.uri == wanted
    assert read_token_uri(wanted, module_paths=[tmp_path]).uri == wanted
    assert read_token_uri(wanted, module_paths=[place]).uri == wanted


@pytest.mark.parametrize("query", ["module-name=other", "module-path=/elsewhere/libmine.so"])
def test_another_library_is_refused(tmp_path: Path, query: str) -> None:
    """A library that is in none of the given places is not used."""
    (tmp_path / "libmine.so").write_bytes(b"")
    with pytest.raises(OperationError, match="not where it may be"):
        read_token_uri(f"{KEY}?{query}", module_paths=[tmp_path])
