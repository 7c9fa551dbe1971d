"""Readers of files that can express no code, and of YAML that can, under `weighbridge exec`."""

import importlib.util
import io
from pathlib import Path

import pytest

from support.guarding import Workplace, run_guarded
from support.signed_model import make_signed_model

FORMATS = ("text", "json", "tokenizer", "yaml", "parquet", "arrow", "charsmap", "unknown")

TOKENIZERS = """
from tokenizers import Tokenizer
from tokenizers.models import BPE, WordLevel

def named(path):
    return Tokenizer.from_file(str(path)).get_vocab()

for kind, place in (("good", MODEL), ("unsigned", BAD)):
    attempt(f"{kind} from_file", named, place / "tokenizer.json")
    attempt(f"{kind} WordLevel", lambda: WordLevel.from_file(
        str(place / "vocab.json"), unk_token="[UNK]") is not None)
    attempt(f"{kind} BPE", lambda: BPE.read_file(
        str(place / "vocab.json"), str(place / "merges.txt"))[0])
attempt("good in memory", lambda: Tokenizer.from_str(
    (MODEL / "tokenizer.json").read_text()).get_vocab())
(BAD / "tokenizer.json").rename(BAD / "other.json")
attempt("absent", named, BAD / "tokenizer.json")
"""

YAMLS = """
import yaml

class Own:
    pass

EVIL = f'!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ["{PLACE}/marker"]]'
(BAD / "evil.yaml").write_text(EVIL)
(BAD / "evil.txt").write_text(EVIL)

def from_file(path, load=yaml.unsafe_load, mode="rb"):
    with open(path, mode) as file:
        return load(file)

for kind, place in (("good", MODEL), ("unsigned", BAD)):
    attempt(f"{kind} unsafe_load", from_file, place / "hyper.yaml")
    attempt(f"{kind} as text", from_file, place / "hyper.yaml", yaml.unsafe_load, "r")
    attempt(f"{kind} Loader", from_file, place / "hyper.yaml",
            lambda file: yaml.load(file, Loader=yaml.Loader))
attempt("good safe_load", lambda: from_file(BAD / "plain.yaml", yaml.safe_load))
attempt("good in memory", lambda: yaml.unsafe_load("a: !!python/tuple [1, 2]"))
for name, load in {
    "unsafe_load": yaml.unsafe_load,
    "unsafe_load_all": lambda given: list(yaml.unsafe_load_all(given)),
    "Loader": lambda given: yaml.load(given, Loader=yaml.UnsafeLoader),
    "C": lambda given: yaml.load(given, Loader=getattr(yaml, "CUnsafeLoader", yaml.UnsafeLoader)),
    "module": lambda given: yaml.unsafe_load("!!python/module:antigravity"),
    "own": lambda given: yaml.unsafe_load("!!python/object:__main__.Own {}"),
}.items():
    attempt(f"evil {name}", load, EVIL)
    attempt(f"evil {name} of a file", from_file, BAD / "evil.yaml", load)
    attempt(f"evil {name} of any name", from_file, BAD / "evil.txt", load)
"""

ARROWS = """
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet

def listed(table):
    return table.column("a").to_pylist()

def own_files(place):
    table = pa.table({"a": [1]})
    pa.parquet.write_table(table, place / "own.parquet")
    return listed(pa.parquet.read_table(place / "own.parquet"))

for kind, place in (("good", MODEL), ("unsigned", BAD)):
    attempt(f"{kind} read_table", lambda: listed(pa.parquet.read_table(place / "t.parquet")))
    attempt(f"{kind} ParquetFile",
            lambda: listed(pa.parquet.ParquetFile(str(place / "t.parquet")).read()))
    attempt(f"{kind} feather", lambda: listed(pa.feather.read_table(str(place / "t.feather"))))
    attempt(f"{kind} memory_map", lambda: listed(
        pa.ipc.open_file(pa.memory_map(str(place / "t.arrow"))).read_all()))
    attempt(f"{kind} OSFile", lambda: listed(
        pa.ipc.open_file(pa.OSFile(str(place / "t.arrow"))).read_all()))
attempt("good files of the program's own", own_files, PLACE)
"""


PIECES = """
from sentencepiece import SentencePieceProcessor
for kind, place in (("good", MODEL), ("unsigned", BAD)):
    path = str(place / "spm.model")
    attempt(f"{kind} class", lambda: SentencePieceProcessor(model_file=path).encode("a b"))
    attempt(f"{kind} Load", lambda: SentencePieceProcessor().Load(path))
attempt("good in memory", lambda: SentencePieceProcessor(
    model_proto=(MODEL / "spm.model").read_bytes()).encode("a b"))
"""


def workplace(place: Path, files: dict[str, bytes], **rule: str) -> Workplace:
    """Return a workplace with *files* signed, with the keys *rule*, and once more in `bad`."""
    signed = make_signed_model(place, files, formats=FORMATS, rule=rule)
    (place / "bad").mkdir()
    for name, data in files.items():
        (place / "bad" / name).write_bytes(data)
    return Workplace(place=place, signed=signed)


def outcomes(place: Workplace, script: str) -> dict[str, str]:
    """Return what became of each attempt of *script*, in one word."""
    outcome = run_guarded(place, script)
    assert outcome.results, outcome.err
    return {name: told.partition(":")[0] for name, told in outcome.results.items()} | {
        "everything": str(outcome.results)
    }


def wrong(found: dict[str, str]) -> dict[str, str]:
    """Return what is not as the name of the attempt says."""
    everything = found.pop("everything")
    wanted = {"good": "loaded", "unsigned": "denied", "evil": "denied", "absent": "failed"}
    bad = {name: said for name, said in found.items() if said != wanted[name.partition(" ")[0]]}
    return bad | ({"everything": everything} if bad else {})


def test_tokenizers(tmp_path: Path) -> None:
    """Tokenizers and vocabularies are read from verified bytes, and none that nobody signed."""
    from tokenizers import Tokenizer, models  # noqa: PLC0415  slow to import

    words = {"[UNK]": 0, "a": 1, "b": 2, "ab": 3}
    model = tmp_path / "made.json"
    Tokenizer(models.WordLevel(words, unk_token="[UNK]")).save(str(model))
    files = {
        "tokenizer.json": model.read_bytes(),
        "vocab.json": b'{"[UNK]": 0, "a": 1, "b": 2, "ab": 3}',
        "merges.txt": b"#version: 0.2\na b\n",
    }
    assert wrong(outcomes(workplace(tmp_path, files), TOKENIZERS)) == {}


def test_yaml_that_makes_objects(tmp_path: Path) -> None:
    """PyYAML's unsafe loaders make what a signed document names, and of others what is harmless."""
    files = {"hyper.yaml": b"rate: 0.5\nkind: !!python/name:statistics.mean\n"}
    # The scan finds what an unsafe loader would make; this rule is about more than that.
    place = workplace(tmp_path, files, scan='{ fail-on = "critical", on-gap = "deny" }')
    (tmp_path / "bad" / "plain.yaml").write_text("a: 1\n")
    assert wrong(outcomes(place, YAMLS)) == {}
    assert not place.marker.exists()


@pytest.mark.heavy
@pytest.mark.skipif(
    importlib.util.find_spec("pyarrow") is None, reason="needs pyarrow: make test-heavy"
)
def test_arrow(tmp_path: Path) -> None:
    """Parquet and Feather of a model come from verified bytes; a program's own data is its own."""
    import pyarrow as pa  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
    from pyarrow import feather, parquet  # noqa: PLC0415

    made = tmp_path / "made"
    made.mkdir()
    table = pa.table({"a": [1, 2, 3]})
    parquet.write_table(table, made / "t.parquet")
    feather.write_feather(table, made / "t.feather")
    with pa.ipc.new_file(str(made / "t.arrow"), table.schema) as writer:
        writer.write_table(table)
    place = workplace(tmp_path, {path.name: path.read_bytes() for path in made.iterdir()})
    (tmp_path / "bad" / "model.sig").write_bytes((tmp_path / "model" / "model.sig").read_bytes())
    (tmp_path / "bad" / "t.feather").write_bytes(b"changed")
    assert wrong(outcomes(place, ARROWS)) == {}


@pytest.mark.heavy
@pytest.mark.skipif(
    importlib.util.find_spec("sentencepiece") is None, reason="needs sentencepiece: make test-heavy"
)
def test_sentencepiece(tmp_path: Path) -> None:
    """A vocabulary of SentencePiece is read from verified bytes, and none that nobody signed."""
    import sentencepiece  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415

    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c d", "b a d c"] * 8),
        model_writer=written,
        vocab_size=10,
        model_type="char",
    )
    place = workplace(tmp_path, {"spm.model": written.getvalue()})
    assert wrong(outcomes(place, PIECES)) == {}
