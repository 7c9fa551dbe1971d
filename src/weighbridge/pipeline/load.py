"""Load: hold every byte while it is hashed, judge what is held, give out nothing else."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Required, TypedDict, Unpack, overload

from weighbridge.core.artifact import Inventory
from weighbridge.core.errors import PolicyDeniedError, PolicyIndeterminateError, UsageError
from weighbridge.core.verdict import Decision, Verdict
from weighbridge.inventory.progress import Progress
from weighbridge.load.artifact import VerifiedArtifact
from weighbridge.load.held import HeldFiles, HoldingSink
from weighbridge.load.objects import ObjectKind, ObjectOptions
from weighbridge.load.pretrained.libraries import Library
from weighbridge.pipeline.check import DEFAULT_BOUNDARY, Examination, Hashing
from weighbridge.policy.schema import Policy
from weighbridge.sources.local import locate

if TYPE_CHECKING:
    import catboost
    import keras
    import lightgbm
    import llama_cpp
    import onnxruntime
    import xgboost
    from sklearn.base import BaseEstimator


Hold = Literal["memory", "file", "store"]
"""Where the bytes are while they are used; see `load`."""


class _Options(ObjectOptions, total=False):
    """What the caller may say besides of how an object is made; see `load`."""

    isolated: bool


class Where(TypedDict, total=False):
    """What every load is told: see `load`."""

    policy: Required[Policy]
    boundary: str
    progress: Progress | None


@overload
def load(
    reference: str | Path,
    *,
    as_: None = None,
    hold: Hold = "memory",
    **where: Unpack[Where],
) -> VerifiedArtifact: ...


@overload
def load(
    reference: str | Path,
    *,
    as_: Literal["sklearn"],
    file: str | None = None,
    **where: Unpack[Where],
) -> "BaseEstimator": ...


@overload
def load(
    reference: str | Path,
    *,
    as_: Literal["onnxruntime"],
    file: str | None = None,
    providers: Sequence[str] | None = None,
    **where: Unpack[Where],
) -> "onnxruntime.InferenceSession": ...


@overload
def load(
    reference: str | Path,
    *,
    as_: Literal["xgboost"],
    file: str | None = None,
    **where: Unpack[Where],
) -> "xgboost.Booster": ...


@overload
def load(
    reference: str | Path,
    *,
    as_: Literal["lightgbm"],
    file: str | None = None,
    **where: Unpack[Where],
) -> "lightgbm.Booster": ...


@overload
def load(
    reference: str | Path,
    *,
    as_: Literal["catboost"],
    file: str | None = None,
    **where: Unpack[Where],
) -> "catboost.CatBoost": ...


@overload
def load(
    reference: str | Path,
    *,
    as_: Literal["skops"],
    file: str | None = None,
    trusted: Sequence[str] | None = None,
    **where: Unpack[Where],
) -> object: ...


@overload
def load(
    reference: str | Path,
    *,
    as_: Literal["llama"],
    file: str | None = None,
    settings: Mapping[str, bool | int] | None = None,
    **where: Unpack[Where],
) -> "llama_cpp.Llama": ...


@overload
def load(
    reference: str | Path,
    *,
    as_: Literal["keras"],
    file: str | None = None,
    **where: Unpack[Where],
) -> "keras.Model": ...


@overload
def load(
    reference: str | Path,
    *,
    as_: Literal["joblib", "pickle", "tensorflow"],
    file: str | None = None,
    **where: Unpack[Where],
) -> object: ...


@overload
def load(
    reference: str | Path,
    *,
    isolated: Literal[True],
    as_: Literal["joblib", "pickle"] | None = None,
    file: str | None = None,
    **where: Unpack[Where],
) -> object: ...


@overload
def load(
    reference: str | Path,
    *,
    as_: Library,
    base: str | Path | None = None,
    **where: Unpack[Where],
) -> object: ...


def load(
    reference: str | Path,
    *,
    policy: Policy,
    boundary: str = DEFAULT_BOUNDARY,
    progress: Progress | None = None,
    as_: ObjectKind | Library | None = None,
    hold: Hold = "memory",
    file: str | None = None,
    base: str | Path | None = None,
    **options: Unpack[_Options],
) -> object:
    """
    Return the artifact's verified bytes, if *policy* allows it at *boundary*.

    Each file is read once, into memory of this process that nobody else can write to; what was
    read there is hashed, scanned, compared with the signature and given out. The path is not opened
    again, so nothing that happens to it during or after the load matters.

    Files are hashed as they were signed, and with SHA-256 besides only where the rule asks for it:
    `verdict.artifact.names` is None where they were signed with another hash, or in shards.

    With `hold="file"` the files stay where they are, so that they can be larger than memory. Each
    is read and hashed once here, and what is read of it later is verified once more, 4 MiB at a
    time: an `ArtifactChangedError` where the file has changed. Where the rule has `parts`, and
    there is such a claim, files of tensors are not read whole: the verdict says `parts-trusted`.
    With `hold="store"` they are copied into the store first, and read from there: then nothing
    that happens to the original matters, and what happens to the copy is noticed likewise.

    Args:
        reference: The model.
        policy: What has to hold.
        boundary: Where it is applied.
        progress: Told what is read.
        hold: Where the bytes are: in memory, in their files, or in copies of them in the
            store; only without *as_*.
        as_: What to return instead of the bytes: see `VerifiedArtifact.as_`. What that raises is
            raised here.
        file: The file to make it of, with *as_* only.
        base: For an adapter, the model that it is put on; the policy has to allow it as well.
        isolated: Whether the pickle is opened by a process of its own, behind walls. Returned are
            arrays, tensors and plain values, and a `load.isolated.plain.Opaque` in the place of
            every other object; this process imports nothing that the pickle names. With *file* or
            *as_* `pickle` or `joblib` where several files could be meant. What the pickle may ask
            for says the rule's `isolation.unpickle`.
        options: What else the kind takes (`providers`, `trusted`, `settings`), with *as_* only.

    Raises:
        PolicyDeniedError: The verdict is deny; `verdict` has the reasons.
        PolicyIndeterminateError: The evidence does not suffice; `verdict` has the reasons.
        UsageError, NothingToCheckError, KeyRejectedError, OperationError: As for `check`.
        WeighbridgeError: With *isolated* as `load.isolated.parent.open_isolated`.
    """
    if options.pop("isolated", False):
        if base is not None or options or hold != "memory":
            raise UsageError(
                "a pickle that is opened by itself takes no options", found="isolated=True"
            )
        return _load_isolated(
            reference, policy=policy, boundary=boundary, progress=progress, as_=as_, file=file
        )
    if file is not None and as_ is None:
        raise UsageError("a file is named and nothing to make of it", hint="Say as_='KIND' too")
    if options and as_ is None:
        said = ", ".join(options)
        raise UsageError(f"{said} said, and nothing to make", hint="Say as_='KIND' too")
    if base is not None and as_ != "peft":
        raise UsageError("a base is named, and no adapter", hint="Say as_='peft' too")
    if hold not in ("memory", "file", "store"):
        raise UsageError(
            "bytes are not held like that", expected="memory, file or store", found=str(hold)
        )
    if hold != "memory" and as_ is not None:
        raise UsageError(
            "frameworks make their objects of bytes in memory",
            found=f"hold={hold!r} with as_={as_!r}",
            hint="Leave out hold, or load without as_ and take tensors()",
        )
    artifact = admit(
        reference,
        policy=policy,
        boundary=boundary,
        progress=progress,
        sealed=as_ is not None,
        hold=hold,
    )
    if as_ is None:
        return artifact
    with artifact:
        # What belongs to which kind is said above, and looked at again in there.
        make: Callable[..., object] = artifact.as_
        if base is None:
            return make(as_, file=file, **options)
        beneath = admit(base, policy=policy, boundary=boundary, progress=progress, sealed=True)
        with beneath:
            return make(as_, file=file, base=beneath, **options)


def admit(
    reference: str | Path,
    *,
    policy: Policy,
    boundary: str = DEFAULT_BOUNDARY,
    progress: Progress | None = None,
    sealed: bool,
    isolated: bool = False,
    hold: Hold = "memory",
) -> VerifiedArtifact:
    """
    Return the artifact's verified bytes, as `load` does.

    Args:
        reference: The model.
        policy: What has to hold.
        boundary: Where it is applied.
        progress: Told what is read.
        sealed: Whether readers will want a path to the bytes; see `HoldingSink`.
        isolated: Whether the caller enforces what the rule demands of isolation.
        hold: Where the bytes are while they are used.

    Raises:
        As for `load`.
    """
    handle = locate(reference)
    if hold != "memory":
        # Imported here: few models are larger than memory.
        from weighbridge.pipeline.leaving import leave  # noqa: PLC0415

        stored = hold == "store"
        return leave(handle, policy, boundary=boundary, progress=progress, stored=stored)
    # Objects are mostly made by readers that want a path; tensors and bytes need none.
    sink = HoldingSink(sealed=sealed)
    examination = Examination(
        handle,
        policy,
        boundary=boundary,
        progress=progress,
        hashing=Hashing.SIGNED,
        isolated=isolated,
    )
    held: HeldFiles | None = None

    def contents(inventory: Inventory) -> HeldFiles:
        """Give the scanner the bytes that the inventory hashed, once all are there."""
        nonlocal held
        held = sink.finish()
        held.expect(inventory.entries)
        return held

    def let_go() -> None:
        (held or sink.finish()).close()

    with ExitStack() as unwinding:
        unwinding.callback(let_go)
        verdict = examination.run(sink=sink, contents=contents)
        _require_allow(verdict)
        artifact = VerifiedArtifact(
            verdict,
            held or sink.finish(),
            reference=handle.reference,
            pinned=examination.pinned_code,
        )
        unwinding.pop_all()
        return artifact


def _load_isolated(
    reference: str | Path,
    *,
    policy: Policy,
    boundary: str,
    progress: Progress | None,
    as_: str | None,
    file: str | None,
) -> object:
    # Imported here: walls take the system's calls apart, and few loads want them.
    from weighbridge.load.isolated.building import AsArrays  # noqa: PLC0415
    from weighbridge.pipeline.isolated import open_admitted, plan_isolated  # noqa: PLC0415

    plan = plan_isolated(reference, policy, boundary=boundary, kind=as_)
    artifact = admit(
        reference, policy=policy, boundary=boundary, progress=progress, sealed=True, isolated=True
    )
    with artifact:
        return open_admitted(artifact, plan, file=file, build=AsArrays()).opened.value


def _require_allow(verdict: Verdict) -> None:
    match verdict.decision:
        case Decision.ALLOW:
            return
        case Decision.DENY:
            raise PolicyDeniedError(verdict)
        case Decision.INDETERMINATE:
            raise PolicyIndeterminateError(verdict)
