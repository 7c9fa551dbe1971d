"""
Writes `model.crfsuite`: `python make.py`, in an environment with python-crfsuite 0.9.12.

The model is trained on two sequences, and is as small as CRFsuite makes them.
"""

from pathlib import Path

import pycrfsuite

PLACE = Path(__file__).with_name("model.crfsuite")


def main() -> None:
    """Train the model and write it."""
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.append([["w=a", "begin!"], ["w=b"]], ["B", "I"])
    trainer.append([["w=c", "begin!"], ["w=d"], ["w=a"]], ["B", "I", "O"])
    trainer.train(str(PLACE))


if __name__ == "__main__":
    main()
