"""Every path that a document names exists."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.documents import PACKAGE, ROOT, documents, prose

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_SPAN = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"\.?[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_.-]+)*/?")
_MADE_ON_DEMAND = frozenset({".venv", "build", "dist", "benchmarks/results"})


def named_paths(text: str) -> Iterator[str]:
    """Yield the paths of the repository that *text* names, in links and in code spans."""
    for target in _LINK.findall(text):
        if "://" not in target and not target.startswith("#"):
            yield target.partition("#")[0]
    for span in _SPAN.findall(prose(text)):
        path = span.partition("::")[0]
        if _PATH.fullmatch(path) and is_ours(path):
            yield path


def is_ours(path: str) -> bool:
    """Tell whether *path* means something in this repository and not in a user's model."""
    first, slash, _ = path.partition("/")
    if not slash:
        return path.endswith(".md") and path.removesuffix(".md").isupper()
    # Python makes its caches anywhere: a path that begins with one is an example's.
    return first != "__pycache__" and any((base / first).is_dir() for base in (ROOT, PACKAGE))


def missing(path: str, *, beside: Path) -> bool:
    """Tell whether *path* is found neither from the root, nor from the package, nor beside."""
    if path.rstrip("/") in _MADE_ON_DEMAND:
        return False
    return not any((base / path).exists() for base in (ROOT, PACKAGE, beside))


@pytest.mark.parametrize("file", documents(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_named_paths_exist(file: Path) -> None:
    """Whatever path a document names, in a link or in code, leads somewhere."""
    paths = named_paths(file.read_text("utf-8"))
    assert [path for path in paths if missing(path, beside=file.parent)] == []


@pytest.mark.parametrize(
    "text",
    [
        "see `core/nowhere.py`",
        "see `tests/unit/nowhere/`",
        "see [this](docs/nowhere.md)",
        "held by `tests/docs/nowhere.py::test_it`",
        "see `NOWHERE.md`",
    ],
)
def test_a_wrong_path_is_noticed(text: str) -> None:
    """A path that leads nowhere is found in each of the forms that documents use."""
    assert [path for path in named_paths(text) if missing(path, beside=ROOT)]


@pytest.mark.parametrize(
    "text",
    [
        "see `core/codes.py`",
        "a model's `config.json` and `model.sig`",
        "the patterns `acme/*` and `models/prod/**`",
        "the media type `application/json`",
        "see [the codes](docs/errors.md#usage)",
    ],
)
def test_other_names_are_left_alone(text: str) -> None:
    """Paths that exist, and names that are no paths of the repository, are not complained of."""
    assert [path for path in named_paths(text) if missing(path, beside=ROOT)] == []
