"""The gate: one verdict for each artifact, and the verified bytes for every file of it."""

import os
import threading
from collections import OrderedDict

from weighbridge.core.artifact import FileStamp
from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError
from weighbridge.core.limits.loading import MAX_GUARD_ARTIFACTS
from weighbridge.core.values import frozen
from weighbridge.inventory.walk import SymlinkRule, stamp_of, walk
from weighbridge.load.artifact import VerifiedArtifact
from weighbridge.load.guard.interface import Admission
from weighbridge.pipeline.guard.artifacts import (
    Belonging,
    find_artifact,
    is_metadata,
)
from weighbridge.pipeline.guard.folders import Folders
from weighbridge.pipeline.load import load
from weighbridge.policy.rule import RemoteCode
from weighbridge.policy.schema import Policy
from weighbridge.sources.local import locate


@frozen
class _Held:
    """
    An artifact that was admitted.

    Attributes:
        artifact: Its bytes.
        stamps: What the file system said of each of its files before they were read.
    """

    artifact: VerifiedArtifact
    stamps: dict[str, FileStamp]


class PolicyGate:
    """
    Decides by a policy, once for each artifact and again when its files change.

    The bytes of the last `MAX_GUARD_ARTIFACTS` artifacts are kept: what a later load of any of
    their files gets is what the verdict was about. Denials are not kept.

    Args:
        policy: What has to hold.
        boundary: Where it is applied.
    """

    def __init__(self, policy: Policy, *, boundary: str) -> None:
        self._policy = policy
        self._boundary = boundary
        self._folders = Folders(policy, boundary=boundary)
        self._lock = threading.Lock()
        self._held: OrderedDict[str, _Held] = OrderedDict()

    def admit(self, path: str, /) -> Admission:
        """
        Return the verified bytes of the file at *path*; see `load.guard.interface.Gate`.

        Raises:
            PolicyDeniedError, PolicyIndeterminateError: That is the verdict.
            RefusedError: No rule is about the file, or the verdict does not cover it.
            WeighbridgeError: As for `pipeline.load.load`.
            OSError: The file cannot be looked at.
        """
        belonging = find_artifact(path, self._policy, boundary=self._boundary)
        with self._lock:
            held = self._held.get(belonging.root)
            if held is None or not _is_current(held, belonging, path):
                held = self._load(belonging)
                self._held[belonging.root] = held
            self._held.move_to_end(belonging.root)
            while len(self._held) > MAX_GUARD_ARTIFACTS:
                self._held.popitem(last=False)
        return _admission(held, belonging, path)

    def after_fork(self) -> None:
        """Let a child of the process have what was admitted, whatever another thread was at."""
        self._lock = threading.Lock()

    def is_of_model(self, path: str, /) -> bool:
        """Tell whether code at *path* lies in a directory that is a model's."""
        return self._folders.have(path)

    def is_metadata(self, path: str, /) -> bool:
        """Tell whether *path* is a signature or claims, or of a version control."""
        return is_metadata(path)

    def _load(self, belonging: Belonging) -> _Held:
        # Before the files are read: one that changes meanwhile is read again the next time.
        stamps = {
            found.path: found.stamp
            for found in walk(locate(belonging.root), symlinks=SymlinkRule.FILES).files
        }
        artifact = load(belonging.root, policy=self._policy, boundary=self._boundary)
        return _Held(artifact=artifact, stamps=stamps)


def _is_current(held: _Held, belonging: Belonging, path: str) -> bool:
    """Tell whether the file is still the one that was read; if not, the new one is wanted."""
    return held.stamps.get(belonging.relative) == stamp_of(os.stat(path))


def _admission(held: _Held, belonging: Belonging, path: str) -> Admission:
    artifact = held.artifact
    if belonging.relative not in artifact.files:
        raise ArtifactRefusedError(
            "the verdict does not cover the file",
            code=Code.FILE_NOT_COVERED,
            where=path,
            hint="Sign the model with every file that is loaded",
        )
    rule = artifact.verdict.policy.rule or ""
    return Admission(
        path=path,
        root=belonging.root,
        relative=belonging.relative,
        name=os.path.basename(path),
        held=artifact.held[belonging.relative],
        files=artifact.held,
        rule=rule,
        code_allowed=belonging.rule.remote_code is not RemoteCode.DENY,
    )
