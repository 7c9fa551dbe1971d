"""The verified artifact: only an allow verdict makes one, and it has only what that admits."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from support.holding import admit, hold, hold_files, make_verdict
from support.signed_model import safetensors_file
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactChangedError,
    PolicyDeniedError,
    PolicyIndeterminateError,
    UsageError,
    WeighbridgeError,
)
from weighbridge.core.verdict import Decision, Verdict
from weighbridge.load.artifact import VerifiedArtifact
from weighbridge.load.reader import HeldReader

FILES = {"a.safetensors": safetensors_file(x=[1.0, 2.0]), "b.txt": b"text\n"}


class TestAdmission:
    """What becomes an artifact."""

    @pytest.mark.parametrize(
        ("decision", "error"),
        [
            (Decision.DENY, PolicyDeniedError),
            (Decision.INDETERMINATE, PolicyIndeterminateError),
        ],
    )
    def test_only_allow_makes_one(self, decision: Decision, error: type[WeighbridgeError]) -> None:
        """Deny and indeterminate raise with the verdict; allow about the same files does not."""
        verdict = make_verdict("b.txt", decision=decision)
        with pytest.raises(error) as caught:
            VerifiedArtifact(verdict, hold_files({"b.txt": b"x"}))
        assert isinstance(caught.value, PolicyDeniedError | PolicyIndeterminateError)
        assert caught.value.verdict is verdict
        allowed = make_verdict("b.txt")
        assert VerifiedArtifact(allowed, hold_files({"b.txt": b"x"})).verdict is allowed

    def test_uncovered_files_are_left_out(self) -> None:
        """With a signature, what it does not cover is not in the artifact, nor held any more."""
        held = hold_files({"signed": b"1", "unsigned": b"2"})
        unsigned = held["unsigned"]
        artifact = VerifiedArtifact(make_verdict("signed", uncovered=("unsigned",)), held)
        assert artifact.files == ("signed",)
        with pytest.raises(UsageError) as caught:
            artifact.read("unsigned")
        assert caught.value.code is Code.FILE_MISSING
        with pytest.raises(UsageError):
            unsigned.read()

    def test_without_a_signature_all_are_admitted(self) -> None:
        """Where the policy asks for no signature, the files that it allowed are all there."""
        held = hold_files({"one": b"1", "two": b"2"})
        verdict = make_verdict(signed=False, uncovered=("one", "two"))
        assert VerifiedArtifact(verdict, held).files == ("one", "two")

    def test_metadata_is_left_out(self) -> None:
        """The signature and the claims are about the model and not in it."""
        held = hold_files({"w": b"1", "model.sig": b"2", "model.claims.jsonl": b"3"})
        assert VerifiedArtifact(make_verdict("w"), held).files == ("w",)

    @pytest.mark.parametrize(
        "verdict",
        [
            make_verdict("a", "b"),
            make_verdict(),
            make_verdict("a", uncovered=("b",)),
            make_verdict("a", "b", "c", "d"),
            make_verdict("a", "b", "c", named=False),
        ],
        ids=["surplus file", "nothing covered", "surplus", "missing file", "no name"],
    )
    def test_other_files_are_refused(self, verdict: Verdict) -> None:
        """A verdict about other files than the held ones makes no artifact."""
        files = {"a": b"1", "b": b"2", "c": b"3"}
        assert VerifiedArtifact(make_verdict(*files), hold_files(files)).files == ("a", "b", "c")
        with pytest.raises(ArtifactChangedError):
            VerifiedArtifact(verdict, hold_files(files))


class TestUse:
    """What an artifact gives."""

    def test_reads_files(self) -> None:
        """`read` and `open` give the held bytes."""
        artifact = admit(FILES)
        assert artifact.read("b.txt") == b"text\n"
        with artifact.open("b.txt") as file:
            assert file.read() == b"text\n"

    def test_gives_tensors(self) -> None:
        """`tensors` gives every tensor by its name."""
        tensors = admit(FILES).tensors("numpy")
        assert list(tensors) == ["x"]
        assert np.array_equal(tensors["x"], np.array([1.0, 2.0], dtype="f4"))

    def test_takes_the_named_files(self) -> None:
        """`files` says which files tensors come from; others need not hold any."""
        artifact = admit(FILES)
        assert list(artifact.tensors("numpy", files=["a.safetensors"])) == ["x"]
        with pytest.raises(WeighbridgeError) as caught:
            artifact.tensors("numpy", files=["b.txt"])
        assert caught.value.code is Code.LOAD_FORMAT

    def test_gives_a_path(self, tmp_path: Path) -> None:
        """`path` gives a directory with exactly the admitted files."""
        place = admit(FILES).path(root=tmp_path / "store")
        found = {p.relative_to(place).as_posix(): p.read_bytes() for p in place.rglob("*")}
        assert found == FILES

    def test_a_single_file(self, tmp_path: Path) -> None:
        """An artifact that is one file gives the path of a file with its own name."""
        data = FILES["a.safetensors"]
        artifact = admit({".": data}, name="w.safetensors")
        place = artifact.path(root=tmp_path / "store")
        assert place.name == "w.safetensors"
        assert place.read_bytes() == data
        assert artifact.read(".") == data
        assert list(artifact.tensors("numpy")) == ["x"]

    @pytest.mark.parametrize(
        "use",
        [
            lambda artifact, _: artifact.read("b.txt"),
            lambda artifact, _: artifact.open("b.txt").read(),
            lambda artifact, _: artifact.tensors("numpy"),
            lambda artifact, place: artifact.path(root=place / "store"),
        ],
    )
    def test_refuses_use_after_closing(
        self, use: Callable[[VerifiedArtifact, Path], object], tmp_path: Path
    ) -> None:
        """Outside its context every use is refused with the code for it; inside it is not."""
        with admit(FILES) as artifact:
            use(artifact, tmp_path)
        with pytest.raises(UsageError) as caught:
            use(artifact, tmp_path)
        assert caught.value.code is Code.ARTIFACT_CLOSED
        artifact.close()

    def test_tensors_outlive_the_artifact(self) -> None:
        """Arrays and files that were given out before `close` keep their bytes or refuse."""
        large = {"a.safetensors": safetensors_file(x=[3.0] * 100_000)}
        with admit(large) as artifact:
            tensors = artifact.tensors("numpy")
        assert bool(np.all(tensors["x"] == np.float32(3)))


class TestReader:
    """Held bytes as a file object."""

    def test_seeks(self) -> None:
        """The file can be read at any position, relative to start, position and end."""
        file = admit({"f": b"0123456789"}).open("f")
        assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)
        assert file.seek(3) == 3
        assert file.read(2) == b"34"
        assert file.seek(1, io.SEEK_CUR) == 6
        assert file.read() == b"6789"
        assert file.seek(-1, io.SEEK_END) == 9
        assert file.read(5) == b"9"
        assert file.seek(100) == 100
        assert file.read() == b""

    def test_refuses_positions_before_the_start(self) -> None:
        """A position before the first byte, or relative to nothing known, is an error."""
        raw = HeldReader(hold(b"0123"))
        assert raw.seek(0) == 0
        for offset, whence in ((-1, io.SEEK_SET), (-5, io.SEEK_END), (0, 9)):
            with pytest.raises(ValueError, match="no such position"):
                raw.seek(offset, whence)

    def test_cannot_be_written(self) -> None:
        """Writing is refused."""
        with pytest.raises(io.UnsupportedOperation):
            admit({"f": b"0123"}).open("f").write(b"x")


@pytest.mark.parametrize("what", ["names", "files"])
def test_one_text_is_not_several_names(what: str) -> None:
    """A name without its list is refused, and not taken letter by letter; a list of it is not."""
    artifact = admit({"w.safetensors": safetensors_file(w=[1.0])})
    given = {"names": "w", "files": "w.safetensors"}[what]
    with pytest.raises(UsageError, match="several") as caught:
        artifact.tensors("numpy", **{what: given})
    assert repr(given) in str(caught.value)
    assert list(artifact.tensors("numpy", **{what: [given]})) == ["w"]
