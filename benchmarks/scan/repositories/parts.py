"""What lies in the folders."""

import io
import struct
import zipfile
from typing import Final

from benchmarks.scan.samples import SHELL

PICKLE: Final = (
    b"\x80\x02cos\nsystem\nX" + struct.pack("<I", len(SHELL)) + SHELL.encode() + b"\x85R."
)

SOURCE: Final = b"import os\n\nclass Model:\n    pass\n\nos.system('true')\n"


def zipped(members: dict[str, bytes]) -> bytes:
    """Return a zip of *members*."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return stream.getvalue()
