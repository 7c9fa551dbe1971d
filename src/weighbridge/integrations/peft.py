"""
PEFT, with verified bytes: adapters on base models that a verified load made.

::

    from weighbridge.integrations.peft import PeftModel
    from weighbridge.integrations.transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("models/acme/base", policy=policy)
    model = PeftModel.from_pretrained(base, "adapters/acme/legal", policy=policy)
"""

from typing import Final

from weighbridge.integrations.classes import require_public
from weighbridge.integrations.reference import Model, verified
from weighbridge.policy.schema import Policy


class VerifiedAdapter:
    """
    A class of PEFT whose `from_pretrained` takes a base model and an adapter.

    Args:
        name: What it is called there.
    """

    def __init__(self, name: str) -> None:
        self._name: Final = name

    def from_pretrained(
        self,
        model: object,
        model_id: Model,
        /,
        *positional: object,
        policy: Policy | None = None,
        boundary: str | None = None,
        base_name: str | None = None,
        **arguments: object,
    ) -> object:
        """
        Return what the class' own `from_pretrained` does, made of verified bytes.

        Args:
            model: The base: an object that a verified load made in this process.
            model_id: The adapter: a reference, or a `VerifiedArtifact`.
            positional: What the library takes besides.
            policy: What has to hold of the adapter; with a reference.
            boundary: Where it is applied, by default `load`.
            base_name: What the adapter calls its base, to say that *model* is the one. Not needed
                where the reference of *model* ends so.
            arguments: What the library takes besides.

        Raises:
            UsageError: No verified load made *model*.
            ArtifactRefusedError: The adapter was made for another base.
            Others: As for `weighbridge.load` and `VerifiedArtifact.pretrained`.
        """
        with verified(model_id, policy=policy, boundary=boundary) as adapter:
            return adapter.pretrained(
                "peft", self._name, model, *positional, base_name=base_name, **arguments
            )

    def __repr__(self) -> str:
        return f"<verified peft: {self._name}>"


def __getattr__(name: str) -> VerifiedAdapter:
    """Return the stand-in for the class *name* of PEFT."""
    require_public(__name__, name)
    return VerifiedAdapter(name)
