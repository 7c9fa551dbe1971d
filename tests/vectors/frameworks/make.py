"""
Makes the files beside this one: `python make.py`, with scikit-learn, pandas, pyarrow and sentencepiece.

They were made with scikit-learn 1.9.1, joblib 1.6.0, NumPy 2.4.6, pandas 3.1.1, pyarrow 26.0.1 and
sentencepiece 0.2.3.
"""

import importlib
import pickle
import tempfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

HERE = Path(__file__).parent


def charsmap() -> bytes:
    """Return two rules for characters, compiled."""
    sentencepiece: Any = importlib.import_module("sentencepiece")
    messages: Any = importlib.import_module("sentencepiece.sentencepiece_model_pb2")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "text").write_text("one two three four five\n" * 50)
        (folder / "rules.tsv").write_text("41\t61\nE9\t65\n")
        sentencepiece.SentencePieceTrainer.train(
            input=str(folder / "text"),
            model_prefix=str(folder / "model"),
            vocab_size=20,
            hard_vocab_limit=False,
            normalization_rule_tsv=str(folder / "rules.tsv"),
        )
        model = messages.ModelProto()
        model.ParseFromString((folder / "model.model").read_bytes())
        return bytes(model.normalizer_spec.precompiled_charsmap)


def main() -> None:
    """Make all of them."""
    rows = np.arange(40.0).reshape(20, 2)
    tree = DecisionTreeClassifier(random_state=0).fit(rows, (rows[:, 0] // 8) % 2)
    table = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]})
    for protocol in (2, 4, 5):
        (HERE / f"tree.{protocol}.pkl").write_bytes(pickle.dumps(tree, protocol))
        (HERE / f"table.{protocol}.pkl").write_bytes(pickle.dumps(table, protocol))
    joblib.dump(tree, HERE / "tree.joblib")
    (HERE / "charsmap.bin").write_bytes(charsmap())


if __name__ == "__main__":
    main()
