"""The HDF5 files of `tests/vectors/hdf5`, and what the scan says of them."""

from pathlib import Path
from typing import Final

from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Gap

FOLDER: Final = Path(__file__).parents[1] / "vectors" / "hdf5"


def examined_file(name: str) -> tuple[Finding | Gap, ...]:
    """Return what the scan says of the file *name*."""
    data = (FOLDER / f"{name}.h5").read_bytes()
    return examined(data, format=FileFormat.HDF5, path=f"{name}.h5")
