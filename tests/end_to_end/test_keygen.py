"""`weighbridge keygen`, as a process."""

import json
from pathlib import Path

import pytest

from support.publisher import make_workplace, weighbridge


@pytest.mark.parametrize("password", [None, "correct horse"])
def test_a_publisher_starts_with_a_new_key(tmp_path: Path, password: str | None) -> None:
    """A new key, with or without a password, signs a model that its public half verifies."""
    make_workplace(tmp_path)
    environment = {} if password is None else {"WEIGHBRIDGE_PASSWORD": password}
    more = ["--no-password"] if password is None else []
    made = weighbridge(tmp_path, "keygen", "new.key", "--format", "json", *more, **environment)
    assert made.code == 0, made.err
    assert json.loads(made.out)["encrypted"] == (password is not None)
    signing = ("sign", "key", "model", "--private-key", "new.key")
    assert weighbridge(tmp_path, *signing, **environment).code == 0
    done = weighbridge(tmp_path, "verify", "key", "model", "--public-key", "new.pub")
    assert done.code == 0
    assert json.loads(made.out)["fingerprint"] in done.out


def test_a_password_need_not_be_text(tmp_path: Path) -> None:
    """What a variable holds is taken byte by byte, as from a file."""
    make_workplace(tmp_path)
    (tmp_path / "password").write_bytes(b"a\xff\n")
    assert weighbridge(tmp_path, "keygen", "new.key", "--password-file", "password").code == 0
    signing = ("sign", "key", "model", "--private-key", "new.key")
    assert weighbridge(tmp_path, *signing, WEIGHBRIDGE_PASSWORD="a\udcff").code == 0
    assert weighbridge(tmp_path, *signing, WEIGHBRIDGE_PASSWORD="a").code == 10


def test_a_key_without_a_password_is_a_decision(tmp_path: Path) -> None:
    """Without a password, and without saying that there is to be none, no key is made."""
    done = weighbridge(tmp_path, "keygen", "new.key")
    assert (done.code, "[key-password]" in done.err) == (10, True)
    assert not list(tmp_path.iterdir())


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    """Making the same key again is an error, and the first one is still there."""
    assert weighbridge(tmp_path, "keygen", "new.key", "--no-password").code == 0
    before = (tmp_path / "new.key").read_bytes()
    done = weighbridge(tmp_path, "keygen", "new.key", "--no-password")
    assert (done.code, "[output-exists]" in done.err) == (1, True)
    assert (tmp_path / "new.key").read_bytes() == before
