"""The refusal of a conversion, which names everything that cannot be carried."""

from collections.abc import Sequence
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError, one_line

_SHOWN: Final = 40
"""Lines of a refusal; a training checkpoint may have a million values that are no tensors."""


def refused(
    where: str, problems: Sequence[str], *, hint: str | None = None
) -> ArtifactRefusedError:
    """
    Build the error for *problems*, each of which says what cannot be carried.

    Args:
        where: The file.
        problems: At least one; untrusted text.
        hint: What to do.
    """
    lines = [one_line(problem) for problem in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        lines.append(f"and {len(problems) - _SHOWN} more")
    said = f" {lines[0]}" if len(lines) == 1 else "\n  ".join(["", *lines])
    message = f"this cannot be carried into safetensors:{said}"
    return ArtifactRefusedError(message, code=Code.CONVERT_REFUSED, where=where, hint=hint)
