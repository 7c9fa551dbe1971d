"""What the caller says of a build, whether it is run here or described afterwards."""

from collections.abc import Iterable
from pathlib import Path

from weighbridge.core.attestation import Artifact, Build
from weighbridge.core.build_types import BUILDER_ID
from weighbridge.core.errors import UsageError
from weighbridge.core.limits.sandbox import MAX_PARAMETERS
from weighbridge.core.values import frozen
from weighbridge.inventory.walk import SymlinkRule
from weighbridge.pipeline.recording.inputs import GivenInput, require_name
from weighbridge.sandbox.steps.interface import StepReport


@frozen
class Given:
    """
    The facts that nobody can find out.

    Attributes:
        name: What the statement calls the output; None for its base name.
        inputs: What it is made from.
        source: `git+URL@REF`; None for what can be found out.
        builder: URI of the builder.
        parameters: Pairs of a name and a value.
        allow_symlinks: Whether a symbolic link to a file counts as that file.
    """

    name: str | None = None
    inputs: tuple[GivenInput, ...] = ()
    source: str | None = None
    builder: str = BUILDER_ID
    parameters: tuple[tuple[str, str], ...] = ()
    allow_symlinks: bool = False

    @property
    def symlinks(self) -> SymlinkRule:
        """What a symbolic link means."""
        return SymlinkRule.FILES if self.allow_symlinks else SymlinkRule.REFUSE

    def require_sense(self) -> None:
        """
        Refuse what cannot be in a statement.

        Raises:
            UsageError: A name, the builder or a parameter.
        """
        if self.name is not None:
            require_name(self.name)
        given = self.parameters
        if len(given) > MAX_PARAMETERS or len(dict(given)) < len(given):
            raise UsageError(
                "there are too many parameters, or one of them twice",
                expected=f"at most {MAX_PARAMETERS}, each once",
            )
        require_text(text for pair in given for text in pair)
        if not is_uri(self.builder):
            raise UsageError(
                "a builder is named by a URI", expected="SCHEME:REST", found=self.builder
            )


@frozen
class Recorded:
    """
    A build that was signed.

    Attributes:
        claims: The file that the claim is in.
        output: What it is about.
        build: What it says.
        carried: How many claims and signatures of inputs went along.
        report: How the step went; None where none was run.
        undeclared: The files that it read undeclared, as they are shown.
    """

    claims: Path
    output: Artifact
    build: Build
    carried: int
    report: StepReport | None = None
    undeclared: tuple[str, ...] = ()


def require_text(words: Iterable[str], /) -> None:
    """
    Refuse words that hold other bytes than text: no statement can say them.

    Raises:
        UsageError: One of *words* has no UTF-8 form.
    """
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError as error:
            raise UsageError(
                "an argument is no text, so that no statement can say it",
                expected="UTF-8",
                found=ascii(word[:120]),
            ) from error


def is_uri(text: str, /) -> bool:
    """Tell whether *text* can stand for a URI: a scheme and something behind it."""
    scheme, colon, rest = text.partition(":")
    return bool(scheme and colon and rest) and text.isprintable() and " " not in text
