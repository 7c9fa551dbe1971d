"""SavedModels that do more than compute."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.scan.models.parts import KERAS, framework, lambda_config, marshalled
from benchmarks.scan.samples import Sample, single


def saved_models() -> Iterator[Sample]:
    """Yield SavedModels and frozen graphs whose operations read, write or run."""
    tensorflow = framework("tensorflow")
    raw = tensorflow.raw_ops

    def saved(body: Callable[[Any], Any]) -> dict[str, bytes]:
        place = Path(tempfile.mkdtemp())
        module = tensorflow.Module()
        module.f = tensorflow.function(
            body, input_signature=[tensorflow.TensorSpec([], tensorflow.string)]
        )
        tensorflow.saved_model.save(module, str(place))
        files = {
            str(p.relative_to(place)): p.read_bytes()
            for p in sorted(place.rglob("*"))
            if p.is_file()
        }
        shutil.rmtree(place)
        return files

    def writes(x: Any) -> Any:
        with tensorflow.control_dependencies([tensorflow.io.write_file("weighbridge-marker", x)]):
            return tensorflow.identity(x)

    def in_branch(x: Any) -> Any:
        return tensorflow.cond(
            tensorflow.equal(x, ""), lambda: tensorflow.io.read_file(x), lambda: x
        )

    bodies: dict[str, Callable[[Any], Any]] = {
        "read-file": tensorflow.io.read_file,
        "write-file": writes,
        "branch": in_branch,
        "matching-files": lambda x: tensorflow.io.matching_files(x),  # noqa: PLW0108  a function of its own
        "debug": lambda x: raw.DebugIdentity(input=x, debug_urls=["file:///tmp/x"]),
        "print": lambda x: raw.PrintV2(input=x, output_stream="file:///tmp/weighbridge-marker") and x,
        "pyfunc": lambda x: tensorflow.py_function(lambda y: y, [x], tensorflow.string),
        "restore": lambda x: raw.RestoreV2(prefix=x, tensor_names=["a"], shape_and_slices=[""], dtypes=[tensorflow.string])[0],
        "lines": lambda x: raw.TextLineDataset(filenames=x, compression_type="", buffer_size=0),
        "records": lambda x: raw.ReadFile(filename=x),
    }  # fmt: skip
    good = saved(lambda x: tensorflow.strings.join([x, "y"]))
    for label, body in bodies.items():
        try:
            files = saved(body)
        except Exception as error:  # noqa: BLE001  a version that lacks the operation has one sample less
            print(f"not made: tensorflow-{label}: {error!r}"[:200])
            continue
        yield Sample(
            id=f"tensorflow-{label}", group=KERAS, files=files, entry="saved_model.pb", twin=good
        )
    graph = tensorflow.Graph()
    with graph.as_default():
        raw.ReadFile(filename="/etc/passwd")
    clean = tensorflow.Graph()
    with clean.as_default():
        tensorflow.constant(1) + tensorflow.constant(2)
    yield single(
        "tensorflow-frozen",
        KERAS,
        "frozen.pb",
        graph.as_graph_def().SerializeToString(),
        twin=clean.as_graph_def().SerializeToString(),
    )
    yield single(
        "tensorflow-text",
        KERAS,
        "graph.pbtxt",
        str(graph.as_graph_def()).encode(),
        twin=str(clean.as_graph_def()).encode(),
    )
    changed = dict(good)
    changed["keras_metadata.pb"] = json.dumps(lambda_config(marshalled())).encode()
    yield Sample(id="tensorflow-keras-metadata", group=KERAS, files=changed, entry="saved_model.pb")
