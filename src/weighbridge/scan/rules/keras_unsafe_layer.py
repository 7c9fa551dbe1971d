"""Rule `keras-unsafe-layer`: a Keras model has a layer that loads or runs something else."""

from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Severity
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.keras.facts import KerasLayerFacts
from weighbridge.scan.keras.names import UNSAFE_LAYERS

_UNPICKLES: Final = frozenset({"TorchModuleWrapper"})


class KerasUnsafeLayer(Rule[KerasLayerFacts]):
    """A Keras model has a layer that loads or runs something else."""

    id: ClassVar[str] = "keras-unsafe-layer"
    severity: ClassVar[Severity] = Severity.HIGH
    consumes: ClassVar[type[Facts]] = KerasLayerFacts

    def check(self, facts: KerasLayerFacts, /) -> Iterator[Match]:
        """Yield the layer with what it is given."""
        yield Match(
            message=f"the layer {facts.name} {UNSAFE_LAYERS[facts.name]}",
            severity=Severity.CRITICAL if facts.name in _UNPICKLES else None,
            evidence=(facts.where, facts.config),
        )
