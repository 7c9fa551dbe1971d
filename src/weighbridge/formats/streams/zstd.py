"""Zstandard streams, by Python's own module where there is one, or its backport."""

from importlib import import_module
from types import ModuleType
from typing import Any, Final

from weighbridge.core.errors import MalformedContentError, MissingExtraError
from weighbridge.core.limits.archives import MAX_DECODER_MEMORY

_MODULES: Final = ("compression.zstd", "backports.zstd")
"""Python 3.14's module, and the package that brings the same one to the versions before."""

_MAX_WINDOW_LOG: Final = MAX_DECODER_MEMORY.bit_length() - 1


def decoder() -> "ZstdDecoder":
    """
    Return the decoder of one frame.

    Raises:
        MissingExtraError: There is no Zstandard module.
    """
    return ZstdDecoder(_load())


def _load() -> ModuleType:
    """
    Return the module that decodes.

    Raises:
        MissingExtraError: There is none.
    """
    for name in _MODULES:
        try:
            return import_module(name)
        except ImportError:
            continue
    raise MissingExtraError.for_extra("scan", purpose="examining Zstandard streams")


class ZstdDecoder:
    """One Zstandard frame, its window bounded."""

    def __init__(self, module: ModuleType) -> None:
        window = module.DecompressionParameter.window_log_max
        self._inner: Any = module.ZstdDecompressor(options={window: _MAX_WINDOW_LOG})
        self._error: type[Exception] = module.ZstdError

    @property
    def eof(self) -> bool:
        """Whether the frame has ended."""
        return bool(self._inner.eof)

    @property
    def unused_data(self) -> bytes:
        """What was handed in behind the end of the frame."""
        return bytes(self._inner.unused_data)

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes out before more is handed in."""
        return bool(self._inner.needs_input)

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """
        Return at most *max_length* bytes of the content.

        Raises:
            MalformedContentError: The frame is broken, or asks for more memory than is allowed.
        """
        try:
            return bytes(self._inner.decompress(data, max_length))
        except (self._error, EOFError) as error:
            raise MalformedContentError("the stream is broken", found=str(error)) from error
