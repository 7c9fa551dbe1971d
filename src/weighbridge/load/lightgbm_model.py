"""Models of LightGBM in text, from the held bytes."""

from typing import TYPE_CHECKING

from weighbridge.core.errors import MissingExtraError
from weighbridge.load.foreign import foreign
from weighbridge.load.held import HeldFile
from weighbridge.load.lightgbm_text import check_model

if TYPE_CHECKING:
    import lightgbm


def load_lightgbm(held: HeldFile, *, where: str) -> "lightgbm.Booster":
    """
    Return a booster of LightGBM; *where* names the file in errors.

    Raises:
        MissingExtraError: LightGBM is not installed.
        MalformedContentError: A tree of the file is none: LightGBM would not look.
        OperationError: It does not take the file.
    """
    try:
        import lightgbm  # noqa: PLC0415  optional, slow
    except ImportError as error:
        raise MissingExtraError.for_extra("lightgbm", purpose="a booster of LightGBM") from error
    data = held.read()
    check_model(data, where=where)
    with foreign("LightGBM", where=where):
        return lightgbm.Booster(model_str=data.decode("utf-8"))
