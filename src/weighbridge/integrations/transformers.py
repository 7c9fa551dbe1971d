"""
transformers, with verified bytes.

::

    from weighbridge.integrations.transformers import AutoModelForCausalLM, pipeline

Every class of transformers that has `from_pretrained` is there under its own name.
"""

from weighbridge.integrations.classes import VerifiedClass, require_public
from weighbridge.integrations.reference import Model, verified
from weighbridge.policy.schema import Policy


def __getattr__(name: str) -> VerifiedClass:
    """Return the stand-in for the class *name* of transformers."""
    require_public(__name__, name)
    return VerifiedClass("transformers", name)


def from_pretrained(
    pretrained_model_name_or_path: Model,
    /,
    *positional: object,
    auto: str = "AutoModel",
    policy: Policy | None = None,
    boundary: str | None = None,
    **arguments: object,
) -> object:
    """
    Return what `transformers.AUTO.from_pretrained` does, made of verified bytes.

    Args:
        pretrained_model_name_or_path: A reference, or a `VerifiedArtifact`.
        positional: What the library takes besides.
        auto: The class: `AutoModelForSequenceClassification`, `AutoTokenizer`, `BertModel` ...
        policy: What has to hold; with a reference.
        boundary: Where it is applied, by default `load`.
        arguments: What the library takes besides.

    Raises:
        As for `weighbridge.load` and `VerifiedArtifact.pretrained`.
    """
    return VerifiedClass("transformers", auto).from_pretrained(
        pretrained_model_name_or_path,
        *positional,
        policy=policy,
        boundary=boundary,
        **arguments,
    )


def pipeline(
    task: str,
    model: Model,
    *,
    policy: Policy | None = None,
    boundary: str | None = None,
    **arguments: object,
) -> object:
    """
    Return what `transformers.pipeline` does, model, tokenizer and all made of verified bytes.

    Args:
        task: What it is for, such as `text-classification`; nothing is looked up.
        model: A reference, or a `VerifiedArtifact`.
        policy: What has to hold; with a reference.
        boundary: Where it is applied, by default `load`.
        arguments: What the library takes besides; a tokenizer and the like as objects.

    Raises:
        As for `weighbridge.load` and `VerifiedArtifact.pretrained`.
    """
    with verified(model, policy=policy, boundary=boundary) as artifact:
        return artifact.pretrained("transformers", "pipeline", task, **arguments)
