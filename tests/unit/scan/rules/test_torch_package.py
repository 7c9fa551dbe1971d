"""Rule `torch-package`."""

from support import pickles as p
from support.rule_vectors import assert_vector_holds
from support.scanning import examined, rules_of
from support.zips import zip_of
from weighbridge.core.artifact import FileFormat


def test_vector() -> None:
    """A package is found, another archive is not."""
    assert_vector_holds("torch-package")


def test_members_are_examined() -> None:
    """What is in a package is examined, storages by their start."""
    files = {"m/.data/extern_modules": b"torch\n", "m/.data/0.storage": bytes(range(1, 99))}
    assert rules_of(examined(zip_of(files), format=FileFormat.TORCH_PACKAGE)) == {"torch-package"}
    payload = p.stream(p.system())
    for name in ("m/.data/0.storage", "m/model/model.pkl"):
        found = examined(zip_of(files | {name: payload}), format=FileFormat.TORCH_PACKAGE)
        assert "pickle-dangerous-global" in rules_of(found)
