"""The only thing that loaders accept: bytes that an allow verdict is about."""

import os
from collections.abc import Iterable, Mapping, Sequence
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Self, overload

from weighbridge.core.artifact import CLAIMS_NAME, is_signature_name
from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest
from weighbridge.core.errors import (
    ArtifactChangedError,
    PolicyDeniedError,
    PolicyIndeterminateError,
    UsageError,
)
from weighbridge.core.verdict import Decision, Verdict
from weighbridge.load.by_need import TensorsByNeed, left_in_file, take
from weighbridge.load.frameworks import Framework, build, choose_framework
from weighbridge.load.held import HeldFiles
from weighbridge.load.objects import ObjectKind, load_object
from weighbridge.load.pretrained.interface import Pretrained, pinned_files
from weighbridge.load.pretrained.libraries import (
    LIBRARIES,
    Library,
    load_on_base,
    load_pretrained,
)
from weighbridge.load.reader import open_held
from weighbridge.load.selection import choose, place_tensors
from weighbridge.load.store import Store

if TYPE_CHECKING:
    import catboost
    import keras
    import lightgbm
    import llama_cpp
    import onnxruntime
    import torch
    import xgboost
    from sklearn.base import BaseEstimator

    from weighbridge.load.frameworks import Array, Tensor


class VerifiedArtifact:
    """
    A model that the policy allows, held as the very bytes that were hashed, scanned and judged.

    The path that they came from is not opened again. Bytes that were left in their files are held
    to the digests that they had, each time that they are given out. Use it as a context manager, or
    call `close`, to free the memory; tensors that were given out stay valid.

    Args:
        verdict: An allow verdict about *held*.
        held: Every file that was read. Files that the verdict does not admit are let go: with a
            verified signature only what it covers is admitted.
        reference: What the program calls the artifact; by default its name.
        pinned: SHA-256 digests of the source files that the policy's rule lets run.

    Raises:
        PolicyDeniedError: The verdict is deny.
        PolicyIndeterminateError: The verdict is indeterminate.
        ArtifactChangedError: Verdict and held files are not about the same files.
    """

    def __init__(
        self,
        verdict: Verdict,
        held: HeldFiles,
        *,
        reference: str | None = None,
        pinned: frozenset[Digest] = frozenset(),
    ) -> None:
        match verdict.decision:
            case Decision.DENY:
                raise PolicyDeniedError(verdict)
            case Decision.INDETERMINATE:
                raise PolicyIndeterminateError(verdict)
            case Decision.ALLOW:
                self.verdict: Final = verdict
        if verdict.artifact is None:
            raise ArtifactChangedError("an allow verdict names what it is about")
        self._digests = verdict.artifact
        admitted = _admitted(verdict)
        _require_same_files(verdict, held, admitted)
        held.keep(admitted)
        self._held = held
        self._reference = reference or self._digests.name
        self._pinned = pinned

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of the admitted files, in code-point order; `.` for a single-file artifact."""
        return self._held.paths

    @property
    def held(self) -> HeldFiles:
        """The admitted files, for code that hands them on to readers of its own."""
        return self._held

    def read(self, path: str) -> bytes:
        """
        Return the bytes of the file at *path*.

        Raises:
            UsageError: No such file was admitted, or the artifact is closed.
        """
        return self._held[path].read()

    def open(self, path: str) -> BufferedReader:
        """
        Return a read-only binary file over the bytes of the file at *path*.

        Raises:
            UsageError: No such file was admitted, or the artifact is closed.
        """
        return open_held(self._held[path])

    @overload
    def tensors(
        self,
        framework: Literal["numpy"],
        *,
        files: Iterable[str] | None = None,
        names: Iterable[str] | Mapping[str, slice] | None = None,
    ) -> "Mapping[str, Array]": ...

    @overload
    def tensors(
        self,
        framework: Literal["torch"],
        *,
        files: Iterable[str] | None = None,
        names: Iterable[str] | Mapping[str, slice] | None = None,
    ) -> "Mapping[str, torch.Tensor]": ...

    @overload
    def tensors(
        self,
        framework: Framework = "auto",
        *,
        files: Iterable[str] | None = None,
        names: Iterable[str] | Mapping[str, slice] | None = None,
    ) -> "Mapping[str, Tensor]": ...

    def tensors(
        self,
        framework: Framework = "auto",
        *,
        files: Iterable[str] | None = None,
        names: Iterable[str] | Mapping[str, slice] | None = None,
    ) -> "Mapping[str, Tensor]":
        """
        Return the tensors by name, on the verified bytes, without running anything of the model.

        NumPy arrays are read-only views. PyTorch tensors are on the CPU and writable; each call
        gives others, and no write reaches the verified bytes. Tensors that share a storage in a
        checkpoint share it here. Names of nested checkpoints are joined by dots; the array of an
        `.npy` file is called by the file's path without the suffix. Quantised tensors of GGUF
        files are their raw blocks, rows of bytes (see `load.gguf`).

        Of files that were left where they are (`load(hold="file")`), the tensors are read and
        verified each time that they are looked up in the result; with *names* at once, those alone.
        Nothing is kept of them here.

        Args:
            framework: `auto` is PyTorch where it is installed, else NumPy.
            files: Which files; by default all of the first kind that occurs: safetensors files,
                PyTorch checkpoints, GGUF files, NumPy files.
            names: Which tensors, by default all; a mapping has the rows of each that are taken.

        Raises:
            ArtifactChangedError: A file that was left where it is has other bytes by now.
            MissingExtraError: No framework is installed, or no package for a type in use.
            MalformedContentError: A file breaks its format.
            ArtifactRefusedError: A checkpoint needs more than tensors and plain containers, an
                array holds Python objects, two files have a tensor of the same name, or a shard
                index contradicts the files.
            OperationError: No file holds tensors, or the framework cannot express one.
            UsageError: No such file was admitted, there is no such tensor or no such rows, or
                the artifact is closed.
        """
        chosen = choose_framework(framework)
        _require_several(files, "files")
        _require_several(names, "names")
        paths = None if files is None else tuple(files)
        placements = place_tensors(self._held, paths, name=self._digests.name)
        if names is not None:
            return build(take(choose(placements, names)), framework=chosen)
        if any(left_in_file(each.region.block) for each in placements.values()):
            return TensorsByNeed(placements, framework=chosen)
        return build(placements, framework=chosen)

    @overload
    def as_(self, kind: Literal["sklearn"], *, file: str | None = None) -> "BaseEstimator": ...

    @overload
    def as_(
        self,
        kind: Literal["onnxruntime"],
        *,
        file: str | None = None,
        providers: Sequence[str] | None = None,
    ) -> "onnxruntime.InferenceSession": ...

    @overload
    def as_(self, kind: Literal["xgboost"], *, file: str | None = None) -> "xgboost.Booster": ...

    @overload
    def as_(self, kind: Literal["lightgbm"], *, file: str | None = None) -> "lightgbm.Booster": ...

    @overload
    def as_(self, kind: Literal["catboost"], *, file: str | None = None) -> "catboost.CatBoost": ...

    @overload
    def as_(
        self,
        kind: Literal["skops"],
        *,
        file: str | None = None,
        trusted: Sequence[str] | None = None,
    ) -> object: ...

    @overload
    def as_(
        self,
        kind: Literal["llama"],
        *,
        file: str | None = None,
        settings: Mapping[str, bool | int] | None = None,
    ) -> "llama_cpp.Llama": ...

    @overload
    def as_(self, kind: Literal["keras"], *, file: str | None = None) -> "keras.Model": ...

    @overload
    def as_(
        self, kind: Literal["joblib", "pickle", "tensorflow"], *, file: str | None = None
    ) -> object: ...

    @overload
    def as_(
        self,
        kind: ObjectKind | Library,
        *,
        file: str | None = None,
        base: "VerifiedArtifact | None" = None,
    ) -> object: ...

    def as_(
        self,
        kind: ObjectKind | Library,
        *,
        file: str | None = None,
        providers: Sequence[str] | None = None,
        trusted: Sequence[str] | None = None,
        settings: Mapping[str, bool | int] | None = None,
        base: "VerifiedArtifact | None" = None,
    ) -> object:
        """
        Return a framework's object, which its own reader makes of the verified bytes.

        `sklearn` is an estimator in a pickle or joblib file, `joblib` any object in one,
        compressed or not, `pickle` any object in a plain pickle. What a pickle refers to has to
        be on the scanner's allow-list, with arguments that it may get: these very bytes are
        scanned once more, and any finding refuses them, whatever the policy accepts.

        `onnxruntime` is a session for an ONNX model, whose external data comes from the held
        files as well. `xgboost`, `lightgbm` and `catboost` are models in the frameworks' own
        formats, which hold no code. `skops` is an object in a skops file, of types that skops or
        the caller trusts. `keras` is a model of Keras 3, made of nothing but Keras' own classes.
        `llama` is a model of llama.cpp, `tensorflow` what a SavedModel holds. The readers of these
        three see sealed copies of the files and no others. All of these are scanned once more as
        well, and refused for any finding.

        `transformers`, `sentence-transformers`, `diffusers` and `peft` are what `pretrained` gives
        without further arguments: a model without a head, a `SentenceTransformer`, a pipeline, and
        an adapter on *base*.

        Args:
            kind: What is wanted.
            file: Which file; by default the only one of a format that can be meant.
            providers: For a session: ONNX Runtime's execution providers, by default the CPU.
            trusted: For skops: types that are trusted besides its own.
            settings: For llama.cpp: what its model is told, such as `n_ctx`; see
                `load.llama_model.SETTINGS`.
            base: For an adapter of PEFT: the model that it is put on.

        Raises:
            MissingExtraError: The framework is not installed.
            ArtifactRefusedError: The file may do more than its kind needs; nothing of it ran.
            OperationError: No file is of such a format, or the framework does not take it.
            UsageError: No such kind or file, several files to choose from, or the artifact is
                closed.
        """
        if kind in LIBRARIES or base is not None:
            _require_whole(kind, file=file, providers=providers, trusted=trusted, settings=settings)
            return self.pretrained(kind) if base is None else self._on_base(kind, base)
        return load_object(
            kind,
            self._held,
            file=file,
            name=self._digests.name,
            providers=providers,
            trusted=trusted,
            settings=settings,
        )

    def pretrained(
        self, library: str, target: str | None = None, /, *positional: object, **arguments: object
    ) -> object:
        """
        Return what a library makes of the artifact's directory, without a look at anything else.

        `pretrained("transformers", "AutoModelForCausalLM", dtype="bfloat16")` is what
        `transformers.AutoModelForCausalLM.from_pretrained(DIRECTORY, dtype="bfloat16")` is. The
        library sees the admitted files that carry no code; checkpoints of PyTorch where there are
        no safetensors files, and only if they hold tensors and plain containers; no network, no
        cache, no other model. What configurations say that would lead it elsewhere is refused.

        Args:
            library: One of `Library`.
            target: The class or function of the library: of transformers any class with
                `from_pretrained`, or `pipeline`; by default what fits every model.
            positional: What the library takes behind the model. For `peft` the base model comes
                first, an object that a verified load made; for `pipeline` the task.
            arguments: Named ones, as the library takes them.

        Raises:
            MissingExtraError: The library is not installed.
            ArtifactRefusedError: The model leads elsewhere, or to code that is not pinned.
            MalformedContentError: A file breaks its format.
            OperationError: The library does not take the model.
            UsageError: No such library, class, or an argument that would loosen the load; or the
                artifact is closed.
            StoreError: There is no place for the directory.
        """
        return load_pretrained(
            self._pretrained(),
            library,
            target,
            positional,
            arguments,
            reference=self._reference,
        )

    def _on_base(self, kind: str, base: "VerifiedArtifact") -> object:
        if kind != "peft":
            raise UsageError(f"an object of the kind {kind} has no base", found="base")
        return load_on_base(
            self._pretrained(),
            lambda target: base.pretrained("transformers", target),
            reference=self._reference,
        )

    def _pretrained(self) -> Pretrained:
        return Pretrained(
            files=self._held,
            name=self._digests.name,
            code=pinned_files(self._held, self._pinned),
            store=Store(),
            binding=self._digests.binding,
            parents=None if self.verdict.lineage is None else self.verdict.lineage.parents,
        )

    def path(self, *, root: str | os.PathLike[str] | None = None) -> Path:
        """
        Return a private, read-only copy of the admitted files, for code that wants a path.

        The copy is made of the verified bytes and kept in a store by their digest. One that is
        there already is compared with them byte by byte first. It is the model's directory, or
        the file of a single-file artifact; other users cannot change it, this user's programs
        should not.

        Args:
            root: The store; by default what `WEIGHBRIDGE_STORE` names, else a directory in the
                user's cache.

        Raises:
            StoreError: The store is not private, is full, or cannot be written.
            UsageError: The artifact is closed.
        """
        name, names = self._digests.name, self._digests.names
        key = self._held.names_hex(name) if names is None else names.hex
        return Store(root).provide(self._held, key=key, name=name)

    def close(self) -> None:
        """Free the memory; every later use raises `UsageError` (`Code.ARTIFACT_CLOSED`)."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _admitted(verdict: Verdict) -> frozenset[str]:
    covered = frozenset(verdict.covered)
    if verdict.signers:
        return covered
    return covered | {each.path for each in verdict.uncovered}


def _require_whole(kind: str, **options: object) -> None:
    """Refuse what chooses a file or an option, for objects that are made of whole artifacts."""
    for option, value in options.items():
        if value is not None:
            raise UsageError(f"an object of the kind {kind} has no {option}", found=option)


def _is_metadata(path: str) -> bool:
    """Tell whether *path* may be a signature or claims, which nobody admits."""
    return path == CLAIMS_NAME or is_signature_name(path)


def _require_same_files(verdict: Verdict, held: HeldFiles, admitted: frozenset[str]) -> None:
    accounted = admitted | {each.path for each in verdict.uncovered}
    surplus = [path for path in held.paths if path not in accounted and not _is_metadata(path)]
    missing = sorted(admitted.difference(held.paths))
    if not admitted or surplus or missing:
        raise ArtifactChangedError(
            "the verdict is not about the files that are held",
            code=Code.FILE_CHANGED,
            expected="each admitted file held, and each held file in the verdict",
            found=f"not held: {missing[:3]}, not in the verdict: {surplus[:3]}",
        )


def _require_several(given: object, what: str) -> None:
    """Refuse one text where several are meant: each of its letters would be taken for one."""
    if isinstance(given, str):
        raise UsageError(
            f"several {what} are given at once",
            expected=f"{what}=[{given[:200]!r}]",
            found="a text",
        )
