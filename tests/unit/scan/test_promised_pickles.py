"""Text whose name has a loader read it as a pickle."""

import pytest

from support.scanning import examined, rules_of
from weighbridge.core.artifact import FileFormat

IMPORT = b"iweighbridge_tripwire\ntouch\n."
"""The Python unpickler imports the module, then misses a mark; the C one does it the other way round."""


@pytest.mark.parametrize("promised", [FileFormat.PICKLE, FileFormat.JOBLIB])
def test_text_that_is_named_like_a_pickle_is_read_as_one(promised: FileFormat) -> None:
    """A name that only an unpickler gets to is found in text that is called model.pkl."""
    evidence = examined(IMPORT, format=FileFormat.TEXT, path="model.pkl", suffix_format=promised)
    assert "pickle-unknown-global" in rules_of(evidence)


@pytest.mark.parametrize("promised", [None, FileFormat.ONNX, FileFormat.TORCH_ZIP])
def test_other_text_is_not_read_as_a_pickle(promised: FileFormat | None) -> None:
    """The same words in a text file of any other name are text."""
    evidence = examined(IMPORT, format=FileFormat.TEXT, path="notes.txt", suffix_format=promised)
    assert not any(rule.startswith("pickle-") for rule in rules_of(evidence))
