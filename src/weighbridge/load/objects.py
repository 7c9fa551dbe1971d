"""
Which loader makes the object that a program asks for, and of which file.

Each loader gets the held bytes of an allowed artifact, and is imported when it is asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, TypedDict

from weighbridge.core.artifact import FileFormat
from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError, UsageError
from weighbridge.core.values import frozen
from weighbridge.formats.sniff import sniff
from weighbridge.load.held import HeldFile, HeldFiles
from weighbridge.load.judged import COMPRESSED, PICKLES
from weighbridge.load.pretrained.libraries import LIBRARIES

ObjectKind: TypeAlias = Literal[
    "catboost",
    "joblib",
    "keras",
    "lightgbm",
    "llama",
    "onnxruntime",
    "pickle",
    "sklearn",
    "skops",
    "tensorflow",
    "xgboost",
]
"""What `VerifiedArtifact.as_` makes."""


class ObjectOptions(TypedDict, total=False):
    """What the caller may say besides; each belongs to one kind."""

    providers: Sequence[str] | None
    trusted: Sequence[str] | None
    settings: Mapping[str, bool | int] | None


@frozen
class Chosen:
    """
    The file that is loaded.

    Attributes:
        files: All files of the artifact, for formats of several files.
        path: Of the file in the artifact.
        name: The file's base name.
        where: How errors call it.
        format: As told from its bytes.
        formats: That one, and others that the bytes could be taken for.
        options: What the caller says besides: providers of ONNX Runtime, types that skops trusts.
        settings: The same, by name: of llama.cpp.
    """

    files: HeldFiles
    path: str
    name: str
    where: str
    format: FileFormat
    formats: frozenset[FileFormat]
    options: tuple[str, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict, compare=False)

    @property
    def held(self) -> HeldFile:
        """The file's bytes."""
        return self.files[self.path]


def _pickle(chosen: Chosen) -> object:
    from weighbridge.load.pickle_object import load_pickle  # noqa: PLC0415  only when asked for

    return load_pickle(chosen.held, name=chosen.name, where=chosen.where)


def _sklearn(chosen: Chosen) -> object:
    from weighbridge.load.pickle_object import load_estimator  # noqa: PLC0415  only when asked for

    return load_estimator(chosen.held, name=chosen.name, where=chosen.where)


def _onnxruntime(chosen: Chosen) -> object:
    from weighbridge.load.onnx_runtime import (  # noqa: PLC0415  only when asked for
        DEFAULT_PROVIDERS,
        load_session,
    )

    providers = chosen.options or DEFAULT_PROVIDERS
    _require_clean(chosen)
    return load_session(chosen.files, chosen.path, where=chosen.where, providers=providers)


def _skops(chosen: Chosen) -> object:
    from weighbridge.load.skops_object import load_skops  # noqa: PLC0415  only when asked for

    _require_clean(chosen)
    return load_skops(chosen.held, where=chosen.where, trusted=chosen.options)


def _xgboost(chosen: Chosen) -> object:
    from weighbridge.load.xgboost_model import load_xgboost  # noqa: PLC0415  only when asked for

    _require_clean(chosen)
    return load_xgboost(chosen.held, where=chosen.where)


def _lightgbm(chosen: Chosen) -> object:
    from weighbridge.load.lightgbm_model import load_lightgbm  # noqa: PLC0415  only when asked for

    _require_clean(chosen)
    return load_lightgbm(chosen.held, where=chosen.where)


def _catboost(chosen: Chosen) -> object:
    from weighbridge.load.catboost_model import load_catboost  # noqa: PLC0415  only when asked for

    _require_clean(chosen)
    return load_catboost(chosen.held, where=chosen.where)


def _keras(chosen: Chosen) -> object:
    from weighbridge.load.keras_model import load_keras  # noqa: PLC0415  only when asked for

    return load_keras(chosen.files, chosen.path, name=chosen.name, where=chosen.where)


def _llama(chosen: Chosen) -> object:
    from weighbridge.load.llama_model import load_llama  # noqa: PLC0415  only when asked for

    return load_llama(
        chosen.files,
        chosen.path,
        name=chosen.name,
        where=chosen.where,
        settings=chosen.settings,
    )


def _tensorflow(chosen: Chosen) -> object:
    from weighbridge.load.tensorflow_model import (  # noqa: PLC0415  only when asked for
        load_tensorflow,
    )

    return load_tensorflow(chosen.files, chosen.path, name=chosen.name, where=chosen.where)


def _require_clean(chosen: Chosen) -> None:
    from weighbridge.load.clean import require_clean  # noqa: PLC0415  only when asked for

    require_clean(chosen.files, chosen.path, name=chosen.name, where=chosen.where)


@frozen(kw_only=False)
class _Loader:
    """
    Formats of the file that is meant, and what makes the object of it.

    Attributes:
        formats: Of the file, as told from its bytes.
        load: Makes the object.
        option: What the caller may say besides, by its name in `load_object`.
        heads: How a file of these formats starts that is meant without being named, for formats
            that are not only models.
    """

    formats: frozenset[FileFormat]
    load: Callable[[Chosen], object]
    option: str | None = None
    heads: tuple[tuple[FileFormat, bytes], ...] = ()


_LOADERS: Final[Mapping[str, _Loader]] = MappingProxyType(
    {
        "catboost": _Loader(frozenset({FileFormat.CATBOOST}), _catboost),
        "joblib": _Loader(PICKLES | COMPRESSED, _pickle),
        "keras": _Loader(frozenset({FileFormat.KERAS_V3}), _keras),
        "lightgbm": _Loader(
            frozenset({FileFormat.TEXT}), _lightgbm, heads=((FileFormat.TEXT, b"tree\n"),)
        ),
        "llama": _Loader(frozenset({FileFormat.GGUF}), _llama, option="settings"),
        "onnxruntime": _Loader(frozenset({FileFormat.ONNX}), _onnxruntime, option="providers"),
        "pickle": _Loader(frozenset({FileFormat.PICKLE}), _pickle),
        "sklearn": _Loader(PICKLES | COMPRESSED, _sklearn),
        "skops": _Loader(frozenset({FileFormat.SKOPS}), _skops, option="trusted"),
        "tensorflow": _Loader(frozenset({FileFormat.SAVEDMODEL}), _tensorflow),
        "xgboost": _Loader(
            frozenset({FileFormat.XGBOOST, FileFormat.JSON}),
            _xgboost,
            heads=((FileFormat.JSON, b'{"learner"'),),
        ),
    }
)


def load_object(
    kind: str,
    files: HeldFiles,
    *,
    file: str | None,
    name: str,
    providers: Sequence[str] | None = None,
    trusted: Sequence[str] | None = None,
    settings: Mapping[str, object] | None = None,
) -> object:
    """
    Return the object of the kind *kind* that the file *file* holds.

    Args:
        kind: One of `ObjectKind`.
        files: All files of the artifact.
        file: Path of the file; None is the only one of a format of that kind.
        name: The artifact's, which stands for `.`.
        providers: ONNX Runtime's execution providers, for a session of it.
        trusted: Types that are trusted besides those that skops trusts, for an object of it.
        settings: What llama.cpp is told, for a model of it: see `load.llama_model.SETTINGS`.

    Raises:
        UsageError: No such kind or file, several files to choose from, or an option that the
            kind does not have.
        OperationError: No file is of a format of that kind.
    """
    loader = _LOADERS.get(kind)
    if loader is None:
        known = ", ".join(sorted((*_LOADERS, *LIBRARIES)))
        raise UsageError("no such kind of object", expected=known, found=str(kind))
    options = {"providers": providers, "trusted": trusted}
    for option, value in {**options, "settings": settings}.items():
        if value is not None and option != loader.option:
            raise UsageError(f"an object of the kind {kind} has no {option}", found=option)
    chosen = choose_file(
        kind, loader.formats, files, file=file, name=name, heads=dict(loader.heads)
    )
    words = tuple(options.get(loader.option or "") or ())
    return loader.load(replace(chosen, options=words, settings=dict(settings or {})))


def choose_file(
    kind: str,
    formats: frozenset[FileFormat],
    files: HeldFiles,
    *,
    file: str | None,
    name: str,
    heads: Mapping[FileFormat, bytes] | None = None,
) -> Chosen:
    """
    Return the file that is meant.

    Args:
        kind: What it is to be loaded as, for errors.
        formats: What it may be of.
        files: All files of the artifact.
        file: Its path; None is the only one of these formats.
        name: The artifact's, which stands for `.`.
        heads: How a file that nobody named has to start, for formats that are not only models.

    Raises:
        UsageError: There is no such file, or there are several.
        OperationError: No file is of these formats.
    """
    told = {path: _tell(files, path, name) for path in (files.paths if file is None else [file])}
    fitting = [chosen for chosen in told.values() if chosen.formats & formats]
    if file is None:
        fitting = [chosen for chosen in fitting if _is_meant(chosen, heads or {})]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise UsageError(
            f"several files could be the one to load as {kind}",
            found=", ".join(chosen.path for chosen in fitting[:5]),
            hint="Name one: file='PATH'",
        )
    raise OperationError(
        f"no file is of a format that is loaded as {kind}",
        code=Code.LOAD_FORMAT,
        where=file,
        expected=" or ".join(sorted(formats)),
        found=", ".join(sorted({chosen.format for chosen in told.values()})) or "no file",
    )


def _is_meant(chosen: Chosen, heads: Mapping[FileFormat, bytes]) -> bool:
    """Tell whether a file that nobody named is a model of the kind and not any file."""
    head = heads.get(chosen.format, b"")
    return chosen.held.read_at(0, len(head)) == head


def _tell(files: HeldFiles, path: str, name: str) -> Chosen:
    base = name if path == "." else path.rpartition("/")[2]
    sniffed = sniff(files[path], name=base)
    return Chosen(
        files=files,
        path=path,
        name=base,
        where=name if path == "." else path,
        format=sniffed.format,
        formats=frozenset({sniffed.format, *sniffed.also}),
    )
