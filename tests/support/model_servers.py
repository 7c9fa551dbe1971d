"""Stand-ins for model servers: programs that read a directory as the servers do, and say what was in it."""

from pathlib import Path

TRITON = """
import argparse, json, os, pathlib, sys

parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("--model-repository", action="append")
parser.add_argument("--model-control-mode")
parser.add_argument("--http-port")
given = parser.parse_args()
(place,) = given.model_repository
root = pathlib.Path(place)
found = {}
for model in sorted(root.iterdir()):
    if (model / "config.pbtxt").is_file():
        for version in sorted(path for path in model.iterdir() if path.name.isdecimal()):
            found[f"{model.name}/{version.name}"] = sorted(path.name for path in version.iterdir())
answer = None
if "SUM" in os.environ:
    import numpy, onnxruntime
    session = onnxruntime.InferenceSession(str(root / "adder" / "1" / "model.onnx"))
    answer = session.run(None, {"x": numpy.zeros(2, "f4")})[0].tolist()
print(json.dumps([given.model_control_mode, given.http_port, found, answer]))
"""
"""`tritonserver`: a directory for each model, with its configuration and one for each version."""

TORCHSERVE = """
import argparse, json, os, pathlib, sys, zipfile

parser = argparse.ArgumentParser(allow_abbrev=False)
for flag in ("--start", "--foreground", "--no-config-snapshots", "--disable-token-auth"):
    parser.add_argument(flag, action="store_true")
parser.add_argument("--model-store")
parser.add_argument("--ts-config")
given = parser.parse_args()
lines = pathlib.Path(given.ts_config).read_text().splitlines()
settings = dict(line.split("=", 1) for line in lines if line)
found = {}
for archive in sorted(pathlib.Path(settings["model_store"]).glob("*.mar")):
    with zipfile.ZipFile(archive) as opened:
        found[archive.name] = json.loads(opened.read("MAR-INF/MANIFEST.json"))["model"]["modelName"]
variables = [name for name in os.environ if name.startswith("TS_")]
print(json.dumps([given.model_store == settings["model_store"], settings, found, variables]))
"""
"""`torchserve`: a directory of archives, and a file of settings of which the last counts."""


def install_server(place: Path, name: str, program: str, python: str) -> Path:
    """Make *program* be called by *name* for those who have the returned directory on `PATH`."""
    tools = place / "tools"
    tools.mkdir(exist_ok=True)
    (tools / name).write_text(f"#!{python}\n{program}")
    (tools / name).chmod(0o755)
    return tools
