"""Models of CatBoost in its binary format, from the held bytes."""

from typing import TYPE_CHECKING

from weighbridge.core.errors import MissingExtraError
from weighbridge.load.foreign import foreign
from weighbridge.load.held import HeldFile

if TYPE_CHECKING:
    import catboost


def load_catboost(held: HeldFile, *, where: str) -> "catboost.CatBoost":
    """
    Return a model of CatBoost; *where* names the file in errors.

    Raises:
        MissingExtraError: CatBoost is not installed.
        OperationError: It does not take the file.
    """
    try:
        import catboost  # noqa: PLC0415  optional, slow
    except ImportError as error:
        raise MissingExtraError.for_extra("catboost", purpose="a model of CatBoost") from error
    with foreign("CatBoost", where=where):
        model = catboost.CatBoost()
        model.load_model(blob=held.read(), format="cbm")
        return model
