"""Conversions from beginning to end: what becomes of a model, and what is at the destination."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from support import pickles as p
from support.claims import BUILDERS, UNSIGNED, Bench, make_bench, write_files
from support.converting import convert_here, convert_without_room
from support.interrupting import interrupt_removal
from support.markers import marking_pickle
from support.signatures import key_signer
from support.torch_files import (
    checkpoint,
    floats,
    legacy_checkpoint,
    small_checkpoint,
    state,
    storage,
    tensor,
    vector,
)
from weighbridge.convert.plan import SharedTensors
from weighbridge.convert.worker import client
from weighbridge.core.attestation import Build
from weighbridge.core.build_types import CONVERT_BUILD_TYPE
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactChangedError,
    ArtifactRefusedError,
    LimitExceededError,
    MalformedContentError,
    NothingToCheckError,
    OperationError,
    UsageError,
)
from weighbridge.core.verdict import Decision
from weighbridge.pipeline import output
from weighbridge.pipeline.claims.reading import parse_lines, read_claims
from weighbridge.pipeline.conversion import convert as module
from weighbridge.pipeline.conversion import destination, sorting
from weighbridge.pipeline.conversion.claim import Claiming
from weighbridge.pipeline.conversion.convert import Conversion, convert
from weighbridge.pipeline.describe import digest
from weighbridge.pipeline.selection import FileSelection
from weighbridge.pipeline.sign import sign
from weighbridge.provenance.reading import read_claim
from weighbridge.sources.local import locate

ONE, TWO = "pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"
EXPECTED = {"bias": [0.5, -0.5], "weight": [0.0, 0.25, 0.5, 0.75]}


def numbers(place: Path) -> dict[str, list[float]]:
    """Return what the reference reader finds in a file."""
    return {name: array.tolist() for name, array in safetensors.numpy.load_file(place).items()}


def names(place: Path) -> list[str]:
    """Return everything that lies below *place*, hidden files too."""
    return sorted(path.relative_to(place).as_posix() for path in place.rglob("*"))


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Convert in this process, which takes less; `test_confined` has it done by others."""
    convert_here(monkeypatch)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Make a checkpoint in a directory of its own."""
    place = tmp_path / "source" / "model.bin"
    place.parent.mkdir()
    place.write_bytes(small_checkpoint())
    return place


def sharded(root: Path, **more: bytes) -> Path:
    """Make a model of two shards with an index, a configuration and a card."""
    index = {"metadata": {"total_size": 1}, "weight_map": {"a": ONE, "b": TWO}}
    files = {
        ONE: checkpoint(state(a=vector("0", 2)), {"0": floats(1, 2)}),
        TWO: checkpoint(state(b=vector("0", 1)), {"0": floats(3)}),
        "pytorch_model.bin.index.json": json.dumps(index).encode(),
        "config.json": b'{"model_type": "bert"}\n',
        "1_Pooling/config.json": b"{}",
        ".gitattributes": b"*.bin filter=lfs\n",
        **more,
    }
    return write_files(root, files).root


class TestFiles:
    """One checkpoint."""

    def test_to_a_directory(self, source: Path, tmp_path: Path) -> None:
        """A checkpoint becomes one file in a new directory, under the name that libraries look for."""
        result = convert(source, tmp_path / "out")
        assert names(tmp_path / "out") == ["model.safetensors"]
        assert numbers(tmp_path / "out" / "model.safetensors") == EXPECTED
        assert (result.path, result.claim) == (tmp_path / "out", None)

    def test_to_a_file(self, source: Path, tmp_path: Path) -> None:
        """A destination called so becomes the file itself, with nothing beside it."""
        convert(source, tmp_path / "other.safetensors")
        assert numbers(tmp_path / "other.safetensors") == EXPECTED
        assert names(tmp_path) == ["other.safetensors", "source", "source/model.bin"]

    def test_legacy_checkpoints(self, tmp_path: Path) -> None:
        """A checkpoint of five pickles is converted as well."""
        value = state(a=vector("0", 2, legacy=True))
        (tmp_path / "a.pth").write_bytes(legacy_checkpoint(value, {"0": (2, floats(1, 2))}))
        convert(tmp_path / "a.pth", tmp_path / "out")
        assert numbers(tmp_path / "out" / "a.safetensors") == {"a": [1.0, 2.0]}

    def test_big_endian_checkpoints(self, tmp_path: Path) -> None:
        """Numbers of the other byte order are turned round, cut and transposed ones too."""
        data = np.arange(6, dtype=">f4").tobytes()
        whole = storage("0", 6)
        value = state(
            a=tensor(whole, [6], [1]),
            t=tensor(whole, [3, 2], [1, 3]),
            c=tensor(whole, [2], [1], offset=3),
        )
        (tmp_path / "a.bin").write_bytes(
            checkpoint(value, {"0": data}, members={"byteorder": b"big"})
        )
        convert(tmp_path / "a.bin", tmp_path / "a.safetensors")
        assert numbers(tmp_path / "a.safetensors") == {
            "a": [0, 1, 2, 3, 4, 5],
            "t": [[0, 3], [1, 4], [2, 5]],
            "c": [3, 4],
        }

    def test_compressed_members(self, tmp_path: Path) -> None:
        """Tensors in deflated members, which PyTorch never writes, are inflated."""
        data = checkpoint(state(a=vector("0", 2)), {"0": floats(1, 2)}, compressed=True)
        (tmp_path / "a.bin").write_bytes(data)
        convert(tmp_path / "a.bin", tmp_path / "a.safetensors")
        assert numbers(tmp_path / "a.safetensors") == {"a": [1.0, 2.0]}

    def test_aliases(self, tmp_path: Path) -> None:
        """A tensor with two names is written twice, or once."""
        value = state(a=vector("0", 2), b=vector("0", 2))
        (tmp_path / "a.bin").write_bytes(checkpoint(value, {"0": floats(1, 2)}))
        convert(tmp_path / "a.bin", tmp_path / "two.safetensors")
        once = Conversion(shared=SharedTensors.ONCE)
        result = convert(tmp_path / "a.bin", tmp_path / "one.safetensors", how=once)
        assert list(numbers(tmp_path / "two.safetensors")) == ["a", "b"]
        assert list(numbers(tmp_path / "one.safetensors")) == ["a"]
        assert result.files[0].aliases == (("b", "a"),)

    def test_a_part_without_what_is_no_tensor(self, tmp_path: Path) -> None:
        """`key` and `tensors_only` are handed on; without them the checkpoint is refused."""
        value = state(state_dict=state(a=vector("0", 2), n=p.integer(1)), epoch=p.integer(3))
        (tmp_path / "a.ckpt").write_bytes(checkpoint(value, {"0": floats(1, 2)}))
        with pytest.raises(ArtifactRefusedError, match="epoch: int"):
            convert(tmp_path / "a.ckpt", tmp_path / "out")
        how = Conversion(key="state_dict", tensors_only=True)
        result = convert(tmp_path / "a.ckpt", tmp_path / "out", how=how)
        assert numbers(tmp_path / "out" / "a.safetensors") == {"a": [1.0, 2.0]}
        assert result.files[0].left == ("n: int",)

    def test_nothing_is_executed(self, tmp_path: Path) -> None:
        """A checkpoint that would leave a mark is refused, leaves none, and nothing is written."""
        mark = tmp_path / "mark"
        call = p.call(
            p.name("pathlib", "Path.touch"), p.call(p.name("pathlib", "Path"), p.text(str(mark)))
        )
        (tmp_path / "a.bin").write_bytes(
            checkpoint(state(a=vector("0", 2), b=call), {"0": floats(1, 2)})
        )
        (tmp_path / "b.bin").write_bytes(marking_pickle(mark))
        for name in ("a.bin", "b.bin"):
            with pytest.raises(ArtifactRefusedError):
                convert(tmp_path / name, tmp_path / "out", how=Conversion(tensors_only=True))
        assert names(tmp_path) == ["a.bin", "b.bin"]

    @pytest.mark.parametrize("content", [b"", b"{}", b"plain text", safetensors.numpy.save({})])
    def test_no_checkpoint(self, content: bytes, tmp_path: Path) -> None:
        """A file that holds no checkpoint is nothing to convert, whatever it is called."""
        (tmp_path / "model.bin").write_bytes(content)
        with pytest.raises(NothingToCheckError):
            convert(tmp_path / "model.bin", tmp_path / "out")
        assert not (tmp_path / "out").exists()


class TestDirectories:
    """Models of several files."""

    def test_shards(self, tmp_path: Path) -> None:
        """Shards, index and configurations come under their new names; Git's files do not."""
        result = convert(sharded(tmp_path / "model"), tmp_path / "out")
        assert names(tmp_path / "out") == [
            "1_Pooling",
            "1_Pooling/config.json",
            "config.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
        ]
        index = json.loads((tmp_path / "out" / "model.safetensors.index.json").read_bytes())
        assert index["metadata"]["total_size"] == 12
        found = {k: numbers(tmp_path / "out" / v)[k] for k, v in index["weight_map"].items()}
        assert found == {"a": [1.0, 2.0], "b": [3.0]}
        assert result.left_out == (".gitattributes",)
        assert (tmp_path / "out" / "config.json").read_bytes() == b'{"model_type": "bert"}\n'

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("modeling.py", b"import os\nos.getcwd()\n"),
            ("training_args.bin", p.stream(p.call(p.name("acme.model", "Net")))),
            ("archive.zip", b"PK\x05\x06" + bytes(18)),
            ("noise.dat", b"\x93\xfe\x00" * 50),
        ],
    )
    def test_files_that_could_carry_code(self, name: str, content: bytes, tmp_path: Path) -> None:
        """They are refused by name until they are left out, and are never copied."""
        root = sharded(tmp_path / "model", **{name: content})
        with pytest.raises(ArtifactRefusedError, match="can carry code") as caught:
            convert(root, tmp_path / "out")
        assert f"{name}: " in str(caught.value)
        how = Conversion(selection=FileSelection(ignore_paths=(root / name,)))
        result = convert(root, tmp_path / "out", how=how)
        assert not (tmp_path / "out" / name).exists()
        assert name in result.left_out

    def test_names_that_meet(self, tmp_path: Path) -> None:
        """A checkpoint beside the safetensors file that it would become is refused."""
        root = write_files(
            tmp_path / "model",
            {
                "pytorch_model.bin": small_checkpoint(),
                "MODEL.safetensors": safetensors.numpy.save({}),
            },
        ).root
        with pytest.raises(ArtifactRefusedError, match="same name"):
            convert(root, tmp_path / "out")

    def test_signatures_and_claims_stay(self, tmp_path: Path) -> None:
        """What is about the source is not about the result."""
        root = sharded(tmp_path / "model")
        sign(root, signer=key_signer())
        (root / "model.claims.jsonl").write_bytes(b"{}\n")
        convert(root, tmp_path / "out")
        assert not [name for name in names(tmp_path / "out") if "sig" in name or "claims" in name]

    def test_links(self, tmp_path: Path) -> None:
        """Links are refused unless they are allowed, and their files are then copied as files."""
        root = sharded(tmp_path / "model")
        (tmp_path / "blob").write_bytes(b"{}")
        (root / "tokenizer_config.json").symlink_to("../blob")
        with pytest.raises(ArtifactRefusedError) as caught:
            convert(root, tmp_path / "out")
        assert caught.value.code is Code.SYMLINK_REFUSED
        how = Conversion(selection=FileSelection(allow_symlinks=True))
        convert(root, tmp_path / "out", how=how)
        copied = tmp_path / "out" / "tokenizer_config.json"
        assert copied.read_bytes() == b"{}"
        assert not copied.is_symlink()

    def test_bounds(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """More checkpoints than limits allow are refused, and as large an index."""
        root = sharded(tmp_path / "model")
        monkeypatch.setattr(sorting, "MAX_CONVERT_FILES", 1)
        with pytest.raises(LimitExceededError, match="checkpoints"):
            convert(root, tmp_path / "out")
        monkeypatch.setattr(sorting, "MAX_CONVERT_FILES", 2)
        monkeypatch.setattr(module, "MAX_TEXT_BYTES", 10)
        with pytest.raises(LimitExceededError, match="index"):
            convert(root, tmp_path / "out")
        assert names(tmp_path) == ["model", *(f"model/{name}" for name in names(root))]

    def test_bounds_for_all_checkpoints_together(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Tensors, and compressed ones, are bounded over all files, whose plans are held at once."""
        data = checkpoint(state(a=vector("0", 100)), {"0": bytes(400)}, compressed=True)
        root = write_files(tmp_path / "model", {"a.pt": data, "b.pt": data}).root
        monkeypatch.setattr(module, "MAX_MEMBER_BYTES", 799)
        with pytest.raises(LimitExceededError, match="compressed tensors together"):
            convert(root, tmp_path / "out")
        monkeypatch.setattr(module, "MAX_MEMBER_BYTES", 800)
        monkeypatch.setattr(module, "MAX_TENSORS", 1)
        with pytest.raises(LimitExceededError, match="too many tensors together"):
            convert(root, tmp_path / "out")
        monkeypatch.setattr(module, "MAX_TENSORS", 2)
        convert(root, tmp_path / "out")

    def test_several_at_once(self, tmp_path: Path) -> None:
        """The files of a model are written by several threads, each as a whole."""
        files = {
            f"layer-{n}.pt": checkpoint(state(a=vector("0", 300_000)), {"0": floats(n) * 300_000})
            for n in range(6)
        }
        convert(write_files(tmp_path / "model", files).root, tmp_path / "out")
        for n in range(6):
            found = safetensors.numpy.load_file(tmp_path / "out" / f"layer-{n}.safetensors")["a"]
            assert (found == n).all()
            assert len(found) == 300_000


class TestDestination:
    """It is there whole, or not at all."""

    def test_an_empty_directory_is_taken(self, source: Path, tmp_path: Path) -> None:
        """A directory without anything in it may be there already."""
        (tmp_path / "out").mkdir()
        convert(source, tmp_path / "out")
        assert names(tmp_path / "out") == ["model.safetensors"]

    @pytest.mark.parametrize("kind", ["full", "file", "link", "broken"])
    @pytest.mark.parametrize("name", ["out", "out.safetensors"])
    def test_what_is_there_stays(self, name: str, kind: str, source: Path, tmp_path: Path) -> None:
        """A directory with content, a file and a link are not touched, and no link is followed."""
        place = tmp_path / name
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        match kind:
            case "full":
                write_files(place, {"note": b"mine"})
            case "file":
                place.write_bytes(b"mine")
            case "link":
                place.symlink_to(elsewhere)
            case _:
                place.symlink_to(tmp_path / "nowhere")
        before = names(tmp_path)
        with pytest.raises(OperationError) as caught:
            convert(source, place)
        assert caught.value.code is Code.OUTPUT_EXISTS
        assert names(tmp_path) == before

    @pytest.mark.parametrize("name", ["out", "out.safetensors"])
    def test_what_comes_there_meanwhile_stays(
        self, name: str, source: Path, tmp_path: Path
    ) -> None:
        """A file or directory that somebody makes during the conversion is not replaced."""
        place = tmp_path / name

        def interfere() -> None:
            write_files(place, {"x": b""})

        with pytest.raises(OperationError) as caught:
            convert(source, place, written=Interfering(interfere))
        assert caught.value.code is Code.OUTPUT_EXISTS
        assert names(place) == ["x"]
        assert not list(tmp_path.glob(".*"))

    def test_a_directory_that_is_called_like_a_file(self, source: Path, tmp_path: Path) -> None:
        """A slash at the end makes a directory, with its claims in it."""
        place = f"{tmp_path}/out.safetensors/"
        convert(source, place, claiming=Claiming(signer=key_signer()))
        found = names(tmp_path / "out.safetensors")
        assert found == ["model.claims.jsonl", "model.safetensors"]

    def test_places_that_cannot_be_meant(self, source: Path, tmp_path: Path) -> None:
        """Nothing, the root, a missing directory, and a place within the model are refused."""
        root = sharded(tmp_path / "model")
        for place in ("", "/", tmp_path / "none" / "out"):
            with pytest.raises(UsageError):
                convert(source, place)
        for place in (root / "out", root, tmp_path / "out.safetensors"):
            with pytest.raises((UsageError, OperationError)):
                convert(root, place)
        assert "out" not in names(root)

    def test_an_interrupt_leaves_nothing(self, source: Path, tmp_path: Path) -> None:
        """Ctrl-C during the writing removes what was written."""
        for name in ("out", "out.safetensors"):
            with pytest.raises(KeyboardInterrupt):
                convert(source, tmp_path / name, written=Interfering(interrupt))
        assert names(tmp_path) == ["source", "source/model.bin"]

    @pytest.mark.parametrize("number", [1, 2])
    def test_an_interrupt_while_names_are_given(
        self, number: int, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Ctrl-C right after a file got its name takes the name back, and nobody else's."""
        real, calls = output.put, []

        def put(temporary: Path, path: Path, *, replace: bool) -> None:
            real(temporary, path, replace=replace)
            calls.append(path)
            if len(calls) == number:
                raise KeyboardInterrupt

        monkeypatch.setattr(destination, "put", put)
        claiming = Claiming(signer=key_signer())
        with pytest.raises(KeyboardInterrupt):
            convert(source, tmp_path / "out.safetensors", claiming=claiming)
        assert names(tmp_path) == ["source", "source/model.bin"]

    def test_a_second_interrupt_leaves_nothing_either(
        self, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Ctrl-C during the removal is heeded when the removal is done."""
        interrupt_removal(monkeypatch)
        with pytest.raises(KeyboardInterrupt):
            convert(source, tmp_path / "out", written=Interfering(interrupt))
        assert names(tmp_path) == ["source", "source/model.bin"]

    def test_a_failing_thread_leaves_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What goes wrong in one of several threads ends the others and is raised."""
        root = sharded(tmp_path / "model")

        def fail(*_arguments: object, **_options: object) -> None:
            raise OSError(28, os.strerror(28))

        monkeypatch.setattr(client, "write_planned", fail)
        with pytest.raises(OperationError, match="No space left") as caught:
            convert(root, tmp_path / "out")
        assert "room" in str(caught.value.hint)
        assert names(tmp_path) == ["model", *(f"model/{name}" for name in names(root))]

    def test_a_full_disk_leaves_nothing(self, tmp_path: Path) -> None:
        """Where the system takes no more bytes, nothing is left."""
        assert "cannot be written" in convert_without_room(tmp_path)
        assert names(tmp_path) == ["a.bin"]

    def test_room_is_looked_at_first(
        self, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where there is less room than the result takes, nothing is begun."""
        real = os.statvfs

        def full(place: str) -> object:
            found = real(place)
            return os.statvfs_result((*found[:4], 0, *found[5:]))

        monkeypatch.setattr(os, "statvfs", full)
        with pytest.raises(OperationError, match="not enough room"):
            convert(source, tmp_path / "out")
        assert names(tmp_path) == ["source", "source/model.bin"]

    def test_a_directory_that_cannot_be_written(self, source: Path, tmp_path: Path) -> None:
        """Where the system lets nothing be made, that is said."""
        with pytest.raises(OperationError, match="cannot be written"):
            convert(source, tmp_path / ("x" * 300))

    def test_a_source_that_changes(self, source: Path, tmp_path: Path) -> None:
        """A file that is touched while it is read does not count, and nothing is left."""

        def touch() -> None:
            os.utime(source, ns=(1, 1))

        with pytest.raises(ArtifactChangedError):
            convert(source, tmp_path / "out", written=Interfering(touch))
        assert names(tmp_path) == ["source", "source/model.bin"]

    def test_a_source_that_shrinks(self, source: Path, tmp_path: Path) -> None:
        """A file that is cut while it is read is noticed, and nothing is left."""
        with pytest.raises(ArtifactChangedError):
            convert(source, tmp_path / "out", written=Interfering(lambda: os.truncate(source, 60)))
        assert names(tmp_path) == ["source", "source/model.bin"]

    def test_what_is_written_is_read_back(
        self, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A file without the tensors that it should have is not given out."""
        monkeypatch.setattr(
            client, "write_planned", lambda file, *_, **__: file.write(safetensors.numpy.save({}))
        )
        with pytest.raises(MalformedContentError, match="not the one that was planned"):
            convert(source, tmp_path / "out")
        assert not (tmp_path / "out").exists()


class Interfering:
    """A progress that does something when the writing begins."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act

    def begin(self, total: int, /) -> None:
        """Act."""
        assert total
        self._act()

    def advance(self, count: int, /) -> None:
        """Take note of nothing."""


def interrupt() -> None:
    """Do what Ctrl-C does."""
    raise KeyboardInterrupt


RULE = 'provenance = { builder = ["laptop"], parameters = { "to" = "safetensors" } }'


class TestClaims:
    """What is claimed of the result."""

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        """Make a policy that believes conversions by the laptop."""
        return make_bench(tmp_path / "bench", ("**", UNSIGNED, RULE))

    def claimed(self, place: Path) -> Build:
        """Return the last build that is claimed of *place*, whoever signed it."""
        *_, line = read_claims(locate(place)).lines
        assert line.bundle is not None
        found = read_claim(line.bundle.payload, where="claim").content
        assert isinstance(found, Build)
        return found

    @pytest.mark.parametrize("name", ["out", "out.safetensors"])
    def test_a_check_believes_it(
        self, name: str, bench: Bench, source: Path, tmp_path: Path
    ) -> None:
        """The result passes where conversions are believed; changed by a byte, or by a stranger, not."""
        claiming = Claiming(signer=key_signer(number=3))
        convert(source, tmp_path / name, claiming=claiming)
        result = locate(tmp_path / name)
        verdict = bench.check(result)
        assert verdict.decision is Decision.ALLOW, verdict.reasons
        stranger = tmp_path / f"stranger-{name}"
        convert(source, stranger, claiming=Claiming(signer=key_signer(number=9)))
        assert bench.check(locate(stranger)).decision is not Decision.ALLOW
        changed = tmp_path / name if name.endswith("s") else tmp_path / name / "model.safetensors"
        changed.write_bytes(changed.read_bytes()[:-1] + b"\x01")
        assert bench.check(result).decision is Decision.DENY

    def test_what_it_says(self, source: Path, tmp_path: Path) -> None:
        """It names source and result by both digests, the type of build and what was chosen."""
        result = convert(source, tmp_path / "out", claiming=Claiming(signer=key_signer()))
        assert result.claim is not None
        build = self.claimed(tmp_path / "out")
        (used,) = build.inputs
        assert (used.name, used.binding) == ("model.bin", digest(source).binding)
        assert build.build_type == CONVERT_BUILD_TYPE
        assert build.builder_id == BUILDERS["laptop"]
        assert build.parameters == (("to", '"safetensors"'),)
        assert build.started is not None
        assert build.finished is not None
        assert result.claim.result.binding == digest(tmp_path / "out").binding
        assert result.claim.source.binding == used.binding

    def test_choices_are_parameters(self, tmp_path: Path) -> None:
        """Whatever is not usual is a parameter, so a rule has to expect it."""
        value = state(model=state(a=vector("0", 2)))
        files = {"a.bin": checkpoint(value, {"0": floats(1, 2)}), "b.py": b"import os\n"}
        root = write_files(tmp_path / "model", files).root
        how = Conversion(
            selection=FileSelection(ignore_paths=(root / "b.py",), ignore_git_paths=False),
            key="model",
            tensors_only=True,
            shared=SharedTensors.ONCE,
        )
        claiming = Claiming(signer=key_signer(), builder="https://ci.example", name="acme/bert")
        convert(root, tmp_path / "out", how=how, claiming=claiming)
        build = self.claimed(tmp_path / "out")
        assert dict(build.parameters) == {
            "to": '"safetensors"',
            "key": '"model"',
            "tensors-only": "true",
            "shared-tensors": '"once"',
            "ignore-paths": json.dumps(["b.py"]),
            "ignore-git-paths": "false",
        }
        assert (build.builder_id, build.inputs[0].name) == ("https://ci.example", "acme/bert")

    def test_claims_of_the_source_go_along(self, tmp_path: Path) -> None:
        """Signatures and claims of the source are claims of the result, before its own."""
        root = sharded(tmp_path / "model")
        sign(root, signer=key_signer(number=1))
        first = convert(root, tmp_path / "first", claiming=Claiming(signer=key_signer()))
        assert first.claim is not None
        assert first.claim.carried == 1
        lines = parse_lines((tmp_path / "first" / "model.claims.jsonl").read_bytes(), name="c")
        assert lines[0].data == (root / "model.sig").read_bytes().strip()
        assert len(lines) == 2

    def test_the_source_is_named_as_its_signature_does(self, tmp_path: Path) -> None:
        """Git's own files, which no signature covers, are not of a signed model, but of another."""
        root = sharded(tmp_path / "model")
        plain = convert(root, tmp_path / "plain", claiming=Claiming(signer=key_signer()))
        sign(root, signer=key_signer())
        signed = convert(root, tmp_path / "signed", claiming=Claiming(signer=key_signer()))
        assert plain.claim is not None
        assert signed.claim is not None
        assert plain.claim.source.binding == digest(root).binding
        (root / ".gitattributes").unlink()
        assert signed.claim.source.binding == digest(root).binding

    @pytest.mark.parametrize("name", ["", "a#manifest", "a\nb"])
    def test_names_that_no_claim_can_have(self, name: str, source: Path, tmp_path: Path) -> None:
        """They are refused before anything is written, for the source and for the result."""
        with pytest.raises(UsageError, match="this name"):
            claiming = Claiming(signer=key_signer(), name=name)
            convert(source, tmp_path / "out", claiming=claiming)
        if name:
            with pytest.raises(UsageError, match="this name"):
                convert(source, tmp_path / name, claiming=Claiming(signer=key_signer()))
        assert names(tmp_path) == ["source", "source/model.bin"]

    def test_a_signer_that_fails(self, source: Path, tmp_path: Path) -> None:
        """Without the claim there is no result."""

        class Broken:
            """A signer whose token is gone."""

            method = key_signer().method

            def sign(self, statement: bytes, /) -> bytes:
                """Fail."""
                raise OperationError("the token is gone", found=f"{len(statement)} bytes")

        with pytest.raises(OperationError, match="token"):
            convert(source, tmp_path / "out", claiming=Claiming(signer=Broken()))
        assert names(tmp_path) == ["source", "source/model.bin"]

    def test_claims_beside_a_file_stay(self, source: Path, tmp_path: Path) -> None:
        """Claims that lie where those of a new file would come are not replaced."""
        (tmp_path / "o.safetensors.claims.jsonl").write_bytes(b"{}\n")
        with pytest.raises(OperationError) as caught:
            convert(source, tmp_path / "o.safetensors", claiming=Claiming(signer=key_signer()))
        assert caught.value.code is Code.OUTPUT_EXISTS
        assert (tmp_path / "o.safetensors.claims.jsonl").read_bytes() == b"{}\n"
        assert not (tmp_path / "o.safetensors").exists()


def test_files_of_the_result_are_plain_files(source: Path, tmp_path: Path) -> None:
    """The result has the permissions that new files have, and can be replaced by its owner."""
    mask = os.umask(0o027)
    try:
        convert(source, tmp_path / "out")
    finally:
        os.umask(mask)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "out" / "model.safetensors").stat().st_mode & 0o777 == 0o640


def test_no_framework_is_imported(source: Path, tmp_path: Path) -> None:
    """Neither PyTorch nor NumPy nor an unpickler is there when a checkpoint was converted."""
    code = (
        "import sys\n"
        "from weighbridge.cli.main import run\n"
        f"assert run(['convert', {str(source)!r}, {str(tmp_path / 'out')!r}, '--to', 'safetensors']) == 0\n"
        "print(sorted({'torch', 'numpy', 'pickle', 'safetensors'} & set(sys.modules)))\n"
    )
    # Coverage, which would be started along, has an unpickler.
    environment = {key: value for key, value in os.environ.items() if "COVERAGE" not in key}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
