"""What programs of PaddlePaddle do beyond computing, in either of their forms."""

from collections.abc import Iterator

from weighbridge.core.limits.weights import MAX_GRAPH_NAMES
from weighbridge.core.values import frozen
from weighbridge.formats.json import JsonValue
from weighbridge.formats.paddle_program import EFFECTS, PaddleOperator
from weighbridge.scan.configuration import objects_in
from weighbridge.scan.interface import Facts, Subject


@frozen
class PaddleFacts(Facts):
    """
    Operators of a program that reach out of it.

    Attributes:
        operators: In the order of the file.
    """

    operators: tuple[PaddleOperator, ...]


def program_facts(subject: Subject, document: JsonValue) -> Iterator[PaddleFacts]:
    """Yield what a program in JSON does (PaddlePaddle 3, `pir`), if *document* is one."""
    base = document.get("base_code") if isinstance(document, dict) else None
    if not isinstance(base, dict) or base.get("magic") != "pir":
        return
    found: list[PaddleOperator] = []
    for _, members in objects_in(document):
        subject.check_time()
        # Operators are called like `1.load_combine`: the number stands for a dialect.
        kind = members.get("#")
        name = kind.rpartition(".")[2].rstrip("_") if isinstance(kind, str) else ""
        if name in EFFECTS and len(found) < MAX_GRAPH_NAMES:
            texts = tuple(_texts(members.get("A")))
            found.append(PaddleOperator(name=name, offset=None, texts=texts))
    yield PaddleFacts(subject=subject, operators=tuple(found))


def _texts(attributes: JsonValue) -> Iterator[tuple[str, str]]:
    """Yield the names and values of attributes that are texts."""
    for each in attributes if isinstance(attributes, list) else ():
        match each:
            case {"N": str() as name, "AT": {"D": str() as value}} if value:
                yield name, value
            case _:
                continue
