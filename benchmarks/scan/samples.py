"""What the corpus is made of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

MARKER_VARIABLE: Final = "WEIGHBRIDGE_MARKER"
"""Names the one file that payloads touch; without the variable they fail and do nothing."""

MARKER_NAME: Final = "weighbridge-marker"
"""What payloads touch that can only name a file: relative to the victim's empty directory."""

SHELL: Final = f'touch "${{{MARKER_VARIABLE}:?}}"'
PYTHON: Final = f"open(__import__('os').environ['{MARKER_VARIABLE}'], 'w').close()"
ARGV: Final = ("sh", "-c", SHELL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """
    Files that attack whoever loads them, and the same without the attack.

    Attributes:
        id: Unique; names a directory.
        group: The class of `docs/threat-model.md` that it stands for.
        files: Relative path to content.
        loaders: Programs that are known to fall for it; each really loads it, and a sample of
            which none executes anything is counted apart. Empty where loading executes nothing
            by itself.
        entry: The file that the loader is given.
        twin: The benign counterpart; None where the same twin stands elsewhere already.
        references: Advisories and papers.
        low: Why a finding of low severity is all that it deserves; empty where it is an attack.
    """

    id: str
    group: str
    files: dict[str, bytes]
    loaders: tuple[str, ...] = ()
    entry: str = ""
    twin: dict[str, bytes] | None = None
    references: tuple[str, ...] = ()
    low: str = ""

    @property
    def opened(self) -> str:
        """The file that the loader is given."""
        return self.entry or next(iter(self.files))


Maker: TypeAlias = Callable[[], Iterator[Sample]]
"""Makes the samples of one group."""


@dataclass(slots=True)
class Registry:
    """Collects makers; a module of samples registers its own."""

    makers: list[Maker] = field(default_factory=list)

    def __call__(self, maker: Maker) -> Maker:
        """Register *maker*; for use as a decorator."""
        self.makers.append(maker)
        return maker


def single(
    identifier: str,
    group: str,
    name: str,
    data: bytes,
    *,
    loaders: tuple[str, ...] = (),
    twin: bytes | None = None,
    references: tuple[str, ...] = (),
    low: str = "",
) -> Sample:
    """Return a sample of one file."""
    return Sample(
        id=identifier,
        group=group,
        files={name: data},
        loaders=loaders,
        twin=None if twin is None else {name: twin},
        references=references,
        low=low,
    )
