"""What a Keras configuration says that matters for safety."""

from enum import StrEnum

from weighbridge.core.values import frozen
from weighbridge.scan.interface import Facts


@frozen
class KerasLambdaFacts(Facts):
    """
    A place that holds Python code.

    Attributes:
        where: The keys and indexes that lead there.
        names: Names and strings in the code.
    """

    where: str
    names: tuple[str, ...]


class KerasReference(StrEnum):
    """What a configuration refers to by name."""

    CLASS = "class"
    FUNCTION = "function"
    TENSORFLOW = "TensorFlow function"


@frozen
class KerasObjectFacts(Facts):
    """
    A class or function that the configuration names.

    Attributes:
        where: The keys and indexes that lead there.
        kind: Whether it is built or called.
        module: Where it is taken from; empty where nothing says so.
        name: Its name there.
        registered: The name under which the program may have registered it.
        arguments: What it gets, as text.
    """

    where: str
    kind: KerasReference
    module: str
    name: str
    registered: str = ""
    arguments: str = ""


@frozen
class KerasLayerFacts(Facts):
    """
    A layer of Keras that does more than compute.

    Attributes:
        where: The keys and indexes that lead there.
        name: Its class.
        config: What it gets, as text.
    """

    where: str
    name: str
    config: str


@frozen
class KerasFileFacts(Facts):
    """
    A file or an address that a layer opens.

    Attributes:
        where: The keys and indexes that lead there.
        layer: The class that opens it.
        path: What is opened.
    """

    where: str
    layer: str
    path: str


@frozen
class KerasAmbiguityFacts(Facts):
    """
    A configuration that two readers may read differently.

    Attributes:
        where: The file or attribute that holds it.
        reason: In which way.
    """

    where: str
    reason: str
