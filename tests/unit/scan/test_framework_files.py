"""Files that frameworks themselves have written pass, each as what it is."""

from pathlib import Path

import pytest

from support.scanning import examined
from weighbridge.core.artifact import FileFormat as F
from weighbridge.core.content import BytesSource
from weighbridge.formats.sniff import sniff

FILES = sorted(
    path
    for path in Path(__file__).parents[2].joinpath("vectors", "frameworks").iterdir()
    if path.suffix != ".py"
)
TOLD = {".pkl": F.PICKLE, ".joblib": F.JOBLIB, ".bin": F.CHARSMAP}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_files_pass(path: Path) -> None:
    """A file that a framework wrote is told by its bytes alone, and has nothing to report."""
    data = path.read_bytes()
    told = sniff(BytesSource(data), name="").format
    assert told is TOLD[path.suffix]
    assert examined(data, format=told, path=path.name) == ()


def test_there_are_files() -> None:
    """The folder of files is not empty."""
    assert len(FILES) == 8
