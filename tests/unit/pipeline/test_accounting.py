"""What could not be accounted for is told of the file that it is about."""

import pytest

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError
from weighbridge.core.evidence import Gap, Stage
from weighbridge.pipeline.accounting import require_complete


@pytest.mark.parametrize(("path", "where"), [(".", "net.bin"), ("a/b", "a/b")])
def test_a_model_of_one_file_is_told_by_its_name(path: str, where: str) -> None:
    """Nobody calls the file that they gave `.`, as the inventory of a single file does."""
    gap = Gap(stage=Stage.INVENTORY, code=Code.FILE_UNREADABLE, path=path, reason="no")
    with pytest.raises(OperationError) as caught:
        require_complete([gap], name="net.bin")
    assert str(caught.value) == f"{where}: no [file-unreadable]"
