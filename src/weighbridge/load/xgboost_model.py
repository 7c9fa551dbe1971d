"""Models of XGBoost in JSON or Universal Binary JSON, from the held bytes."""

from typing import TYPE_CHECKING

from weighbridge.core.errors import MissingExtraError
from weighbridge.load.foreign import foreign
from weighbridge.load.held import HeldFile
from weighbridge.load.xgboost_form import check_model

if TYPE_CHECKING:
    import xgboost


def load_xgboost(held: HeldFile, *, where: str) -> "xgboost.Booster":
    """
    Return a booster of XGBoost; *where* names the file in errors.

    Raises:
        MissingExtraError: XGBoost is not installed.
        MalformedContentError: A part of the file is none of a model: XGBoost would not look.
        LimitExceededError: It has more than the limits allow.
        OperationError: It does not take the file.
    """
    try:
        import xgboost  # noqa: PLC0415  optional, slow
    except ImportError as error:
        raise MissingExtraError.for_extra("xgboost", purpose="a booster of XGBoost") from error
    major, minor = xgboost.__version__.split(".")[:2]
    data = held.read()
    check_model(data, where=where, release=(int(major), int(minor)))
    with foreign("XGBoost", where=where):
        booster = xgboost.Booster()
        # A buffer: XGBoost opens what is text as a file.
        booster.load_model(bytearray(data))
        return booster
