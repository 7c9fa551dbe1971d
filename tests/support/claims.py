"""Claims for tests: models on disk, and bundles around any statement by keys of the tests."""

import functools
import json
from collections.abc import Mapping
from pathlib import Path

from support.signatures import key_signer
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.local import locate


def write_files(root: Path, files: Mapping[str, bytes]) -> LocalHandle:
    """Write *files* below *root*, and return the handle of that directory."""
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return locate(root)


@functools.cache
def bundle(text: str = "statement", *, number: int = 0) -> bytes:
    """Return the one bundle around the JSON of *text* by the test key *number*."""
    return key_signer(number=number).sign(json.dumps(text).encode())
