"""Pinned source code, imported from held bytes."""

import hashlib
import inspect
import traceback
from pathlib import Path

import pytest

from support.holding import hold_files
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.errors import ArtifactRefusedError
from weighbridge.load.pretrained.code import find_pinned_class
from weighbridge.load.pretrained.interface import Pretrained, pinned_files
from weighbridge.load.store import Store

MAIN = b"from .part import VALUE\nfrom .sub.deep import DEEP\n\n\nclass Model:\n    value = VALUE + DEEP\n"
FILES = {"modeling.py": MAIN, "part.py": b"VALUE = 1\n", "sub/deep.py": b"DEEP = 2\n"}


def pretrained(files: dict[str, bytes], *code: str) -> Pretrained:
    """Return *files*, of which *code* is pinned; all of them if nothing is said."""
    return Pretrained(
        files=hold_files(files), name="model", code=frozenset(code or files), store=Store()
    )


def test_a_class_of_pinned_code() -> None:
    """The class is made of the held bytes, with what its file imports from others of the model."""
    found = find_pinned_class("modeling.Model", pretrained(FILES))
    assert vars(found)["value"] == 3
    assert find_pinned_class("modeling.Model", pretrained(FILES)) is found
    assert inspect.getsource(found).startswith("class Model:")


def test_other_bytes_are_another_module() -> None:
    """Code that differs anywhere is imported anew, and does not meet the other."""
    one = find_pinned_class("modeling.Model", pretrained(FILES))
    two = find_pinned_class("modeling.Model", pretrained(FILES | {"part.py": b"VALUE = 10\n"}))
    assert (vars(one)["value"], vars(two)["value"]) == (3, 12)
    assert one.__module__ != two.__module__


@pytest.mark.parametrize(
    "reference",
    [
        "other/repo--modeling.Model",
        "--modeling.Model",
        "part.Missing",
        "missing.Model",
        "os.system",
        "modeling",
        "",
        "../modeling.Model",
        "sub.missing.Model",
        "modeling.VALUE",
    ],
)
def test_what_is_not_pinned_is_refused(reference: str) -> None:
    """Code of other repositories, of other files, and what is no class, is refused."""
    with pytest.raises(ArtifactRefusedError):
        find_pinned_class(reference, pretrained(FILES))


def test_files_that_are_not_pinned_do_not_exist() -> None:
    """A file of the model that the rule does not pin is not imported by one that it does."""
    with pytest.raises(ModuleNotFoundError, match="No pinned file"):
        find_pinned_class("modeling.Model", pretrained(FILES, "modeling.py", "part.py"))


def test_tracebacks_show_the_source() -> None:
    """An error in pinned code is shown with its line."""
    with pytest.raises(ZeroDivisionError) as caught:
        find_pinned_class("a.Model", pretrained({"a.py": b"x = 0\ny = 1 / x\n"}))
    assert "y = 1 / x" in "".join(traceback.format_exception(caught.value))


def test_pins_are_digests_of_the_bytes(tmp_path: Path) -> None:
    """A file is pinned by the SHA-256 digest of its bytes, if it is a source file."""
    held = hold_files(FILES | {"data.json": b"VALUE = 1\n"})
    digest = Digest(HashAlgorithm.SHA256, hashlib.sha256(b"VALUE = 1\n").digest())
    assert pinned_files(held, frozenset({digest})) == {"part.py"}
    assert pinned_files(held, frozenset()) == frozenset()
