"""What is hashed, and how: the reference's `hashing.Config`."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, Self

PathLike = str | os.PathLike[str]
Algorithm = Literal["sha256", "blake2", "blake3"]

_NAMES: Final = {"sha256": "sha256", "blake2": "blake2b", "blake3": "blake3"}
_SHARD_BYTES: Final = 1_000_000_000


class Config:
    """Collects what the reference's class of this name collects; every method returns it."""

    def __init__(self) -> None:
        """Hash whole files by SHA-256, without Git's own."""
        self._algorithm: Algorithm = "sha256"
        self._shard_size: int | None = None
        self._ignored: tuple[PathLike, ...] = ()
        self._git = True
        self._links = False

    def use_file_serialization(
        self,
        *,
        hashing_algorithm: Algorithm = "sha256",
        chunk_size: int = 1 << 20,
        max_workers: int | None = None,
        allow_symlinks: bool = False,
        ignore_paths: Iterable[PathLike] = frozenset(),
    ) -> Self:
        """Hash whole files; how many bytes and workers at a time is decided here."""
        del chunk_size, max_workers
        self._algorithm, self._shard_size = hashing_algorithm, None
        self._links = allow_symlinks
        self._ignored += tuple(ignore_paths)
        return self

    def use_shard_serialization(
        self,
        *,
        hashing_algorithm: Algorithm = "sha256",
        chunk_size: int = 1 << 20,
        shard_size: int = _SHARD_BYTES,
        max_workers: int | None = None,
        allow_symlinks: bool = False,
        ignore_paths: Iterable[PathLike] = frozenset(),
    ) -> Self:
        """Hash shards of *shard_size* bytes; BLAKE3 has none, as in the reference."""
        self.use_file_serialization(
            hashing_algorithm=hashing_algorithm,
            chunk_size=chunk_size,
            max_workers=max_workers,
            allow_symlinks=allow_symlinks,
            ignore_paths=ignore_paths,
        )
        self._shard_size = None if hashing_algorithm == "blake3" else shard_size
        return self

    def set_ignored_paths(
        self, *, paths: Iterable[PathLike], ignore_git_paths: bool = True
    ) -> Self:
        """Leave out *paths*, relative to the model, and files of Git or not."""
        self._ignored = tuple(paths)
        self._git = ignore_git_paths
        return self

    def add_ignored_paths(self, *, model_path: PathLike, paths: Iterable[PathLike]) -> None:
        """Leave out *paths* as well, relative to the model."""
        del model_path
        self._ignored += tuple(paths)

    def set_allow_symlinks(self, allow_symlinks: bool) -> Self:  # noqa: FBT001  the reference's
        """Let links to files count as the files, or not."""
        self._links = allow_symlinks
        return self

    def selection(self, model: PathLike) -> list[str]:
        """Return the flags that say which files are meant."""
        ignored = (Path(model, path).absolute() for path in self._ignored)
        return [
            *(f"--ignore-paths={path}" for path in ignored),
            "--ignore-git-paths" if self._git else "--no-ignore-git-paths",
            *(["--allow-symlinks"] if self._links else []),
        ]

    def layout(self) -> list[str]:
        """Return the flags that say how files are hashed when they are signed."""
        shards = [] if self._shard_size is None else [f"--shard-size={self._shard_size}"]
        return [f"--hash={_NAMES[self._algorithm]}", *shards]
