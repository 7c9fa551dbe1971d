"""Pickles of sklearn-crfsuite's taggers, with the model that unpickling writes into a file."""

from pathlib import Path
from typing import Final

from support import pickles as p

MODEL: Final = (
    Path(__file__).parents[1].joinpath("vectors", "crfsuite", "model.crfsuite").read_bytes()
)
"""Written by CRFsuite itself."""

FILE: Final = p.name("sklearn_crfsuite._fileresource", "FileResource")
TAGGER: Final = p.name("sklearn_crfsuite.estimator", "CRF")

ATTRIBUTES: Final = {
    "name": p.NONE,
    "auto": p.TRUE,
    "keep_tempfiles": p.NONE,
    "suffix": p.text(".crfsuite"),
    "prefix": p.text("model"),
}
"""What every release writes; those from 0.4 on write `fd` as well."""


def state_of(
    content: bytes | None = MODEL, *, without: frozenset[str] = frozenset(), **other: bytes
) -> bytes:
    """Return the state of a file with *content*, some of its attributes *other* ones."""
    items = {key: value for key, value in ATTRIBUTES.items() if key not in without} | other
    if content is not None:
        items["__FILE_RESOURCE_DATA__"] = p.raw(content)
    return p.dict_of(*(part for key, value in items.items() for part in (p.text(key), value)))


def old_string(content: bytes) -> bytes:
    """Return bytes as Python 2 pickles them, a string of no encoding (BINSTRING)."""
    return b"T" + len(content).to_bytes(4, "little") + content


def file_with(state: bytes) -> bytes:
    """Return a file that gets *state*."""
    return p.new(FILE) + state + p.BUILD


def tagger_with(*items: bytes) -> bytes:
    """Return a tagger with attributes."""
    return p.new(TAGGER) + p.dict_of(*items) + p.BUILD
