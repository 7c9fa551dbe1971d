"""Rule `remote-code-pipeline`: a diffusers pipeline has classes outside the known libraries."""

from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.configuration import ComponentFacts
from weighbridge.scan.interface import Facts, Match, Rule

PIPELINE_MODULES: Final = frozenset(
    {
        "audioldm2",
        "deepfloyd_if",
        "deprecated",
        "flux",
        "kandinsky",
        "latent_diffusion",
        "paint_by_example",
        "shap_e",
        "stable_audio",
        "stable_cascade",
        "stable_diffusion",
        "stable_diffusion_3",
        "stable_diffusion_safe",
        "stable_diffusion_xl",
        "unidiffuser",
        "versatile_diffusion",
        "wuerstchen",
    }
)
"""Subpackages of `diffusers.pipelines` that a component may name."""


class RemoteCodePipeline(Rule[ComponentFacts]):
    """A diffusers pipeline is made of classes outside the known libraries."""

    id: ClassVar[str] = "remote-code-pipeline"
    severity: ClassVar[Severity] = Severity.HIGH
    confidence: ClassVar[Confidence] = Confidence.HIGH
    consumes: ClassVar[type[Facts]] = ComponentFacts

    def check(self, facts: ComponentFacts, /) -> Iterator[Match]:
        """Yield what speaks against the subject."""
        match facts.value:
            case ["diffusers" | "transformers" | "onnxruntime", *_]:
                return
            case [str() as library, *rest] if library not in PIPELINE_MODULES:
                yield Match(
                    message="the pipeline takes a component from code of the repository",
                    evidence=(f"{facts.where}: {[library, *rest[:1]]!r}",),
                )
            case str() as name if name and not name.isidentifier():
                yield Match(
                    message="the pipeline is a class of another place than diffusers",
                    evidence=(f"{facts.where}: {name}",),
                )
            case _:
                return
