"""Stand-ins for a library's classes, which load by reference and policy."""

from typing import Final

from weighbridge.integrations.reference import Model, verified
from weighbridge.load.pretrained.libraries import Library
from weighbridge.policy.schema import Policy


class _StandIn:
    """
    Stands in for a class of a library.

    Args:
        library: Which library has it.
        name: What it is called there.
    """

    def __init__(self, library: Library, name: str) -> None:
        self._library: Final = library
        self._name: Final = name

    def _make(
        self,
        model: Model,
        /,
        *positional: object,
        policy: Policy | None,
        boundary: str | None,
        **arguments: object,
    ) -> object:
        """Call the class with the verified bytes of *model*."""
        with verified(model, policy=policy, boundary=boundary) as artifact:
            return artifact.pretrained(self._library, self._name, *positional, **arguments)

    def __repr__(self) -> str:
        return f"<verified {self._library}: {self._name}>"


class VerifiedClass(_StandIn):
    """A class with `from_pretrained`, to which a policy is given."""

    def from_pretrained(
        self,
        pretrained_model_name_or_path: Model,
        /,
        *positional: object,
        policy: Policy | None = None,
        boundary: str | None = None,
        **arguments: object,
    ) -> object:
        """
        Return what the class' own `from_pretrained` does, made of verified bytes.

        Args:
            pretrained_model_name_or_path: A reference, or a `VerifiedArtifact`.
            positional: What the library takes besides.
            policy: What has to hold; with a reference.
            boundary: Where it is applied, by default `load`.
            arguments: What the library takes besides.

        Raises:
            As for `weighbridge.load` and `VerifiedArtifact.pretrained`.
        """
        model = pretrained_model_name_or_path
        return self._make(model, *positional, policy=policy, boundary=boundary, **arguments)


class VerifiedConstructor(_StandIn):
    """A class that is called with a model, to which a policy is given as well."""

    def __call__(
        self,
        model_name_or_path: Model,
        /,
        *positional: object,
        policy: Policy | None = None,
        boundary: str | None = None,
        **arguments: object,
    ) -> object:
        """
        Return what the class makes of the model, of verified bytes.

        Args:
            model_name_or_path: A reference, or a `VerifiedArtifact`.
            positional: What the library takes besides.
            policy: What has to hold; with a reference.
            boundary: Where it is applied, by default `load`.
            arguments: What the library takes besides.

        Raises:
            As for `weighbridge.load` and `VerifiedArtifact.pretrained`.
        """
        model = model_name_or_path
        return self._make(model, *positional, policy=policy, boundary=boundary, **arguments)


def require_public(module: str, name: str) -> None:
    """
    Refuse names that no class of a library has.

    Raises:
        AttributeError: As an attribute of *module* that does not exist.
    """
    if not name[:1].isupper():
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
