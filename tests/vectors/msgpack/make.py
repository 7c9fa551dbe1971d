"""
Writes the files beside it: `python make.py`, in an environment with flax 0.12.8 and
msgpack-numpy 0.4.8.
"""

from pathlib import Path

import jax.numpy as jnp
import msgpack_numpy
import numpy as np
from flax import serialization

FOLDER = Path(__file__).parent


def main() -> None:
    """Write a model, values of every kind, and an array of objects."""
    dense = {"kernel": jnp.ones((8, 4), jnp.bfloat16), "bias": np.zeros(4, "f4")}
    model = {"params": {"dense": dense}, "step": 3}
    FOLDER.joinpath("flax.msgpack").write_bytes(serialization.to_bytes(model))
    values = {"a": np.arange(5), "c": 1 + 2j, "s": np.float32(3), "t": "x", "n": None, "l": [1, 2]}
    FOLDER.joinpath("values.msgpack").write_bytes(serialization.msgpack_serialize(values))
    objects = {"words": np.array(["a", None], dtype=object)}
    FOLDER.joinpath("objects.msgpack").write_bytes(msgpack_numpy.packb(objects))


if __name__ == "__main__":
    main()
