"""
Writes the files of this folder: benign checkpoints as torch and joblib make them.

Needs torch 2.13, NumPy, scikit-learn and joblib; the files are checked in, so that tests need
none of them. Run it in an environment of its own: `python tests/vectors/benign/generate.py`.
"""

from collections import OrderedDict
from pathlib import Path

import joblib
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

FOLDER = Path(__file__).parent


def main() -> None:
    """Write every file."""
    torch.manual_seed(0)
    base = torch.arange(12.0).reshape(3, 4)
    layer = torch.nn.Linear(3, 2)
    objects: dict[str, object] = {
        "state-dict": layer.state_dict(),
        "views": OrderedDict(base=base, rows=base[1:], turned=base.t(), empty=base[:0]),
        "dtypes": {
            str(kind): torch.tensor([1, 0], dtype=kind)
            for kind in (torch.float64, torch.float16, torch.bfloat16, torch.int8, torch.bool)
        },
        "module": layer,
    }
    for name, value in objects.items():
        torch.save(value, FOLDER / f"{name}.pt")
        if name != "module":
            legacy = FOLDER / f"{name}-legacy.pt"
            torch.save(value, legacy, _use_new_zipfile_serialization=False)
    model = LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])
    joblib.dump(model, FOLDER / "model.joblib")
    joblib.dump(model, FOLDER / "model-zlib.joblib", compress=("zlib", 3))
    joblib.dump([np.arange(5), np.array(["a", None], object)], FOLDER / "arrays.joblib")
    np.save(FOLDER / "objects.npy", np.array([None, "x"], object), allow_pickle=True)
    np.savez(FOLDER / "arrays.npz", x=np.arange(3), y=np.eye(2))


if __name__ == "__main__":
    main()
