"""What converted files are called."""

import pytest

from weighbridge.convert.names import index_target_of, is_index, target_of


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("pytorch_model.bin", "model.safetensors"),
        ("a/pytorch_model.bin", "a/model.safetensors"),
        ("pytorch_model.fp16.bin", "model.fp16.safetensors"),
        ("pytorch_model-00001-of-00002.bin", "model-00001-of-00002.safetensors"),
        ("diffusion_pytorch_model.bin", "diffusion_pytorch_model.safetensors"),
        ("pytorch_models.bin", "pytorch_models.safetensors"),
        ("adapter_model.bin", "adapter_model.safetensors"),
        ("net.pth", "net.safetensors"),
        ("net.PT", "net.safetensors"),
        ("net.v2.ckpt", "net.v2.safetensors"),
        ("net.v2", "net.v2.safetensors"),
        (".bin", ".bin.safetensors"),
        ("net", "net.safetensors"),
    ],
)
def test_targets(path: str, target: str) -> None:
    """Names are those by which libraries look for weights; others keep their stem."""
    assert target_of(path) == target


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("pytorch_model.bin.index.json", "model.safetensors.index.json"),
        ("a/pytorch_model.bin.index.fp16.json", "a/model.safetensors.index.fp16.json"),
        ("other.bin.index.json", "other.safetensors.index.json"),
    ],
)
def test_indexes(path: str, target: str) -> None:
    """The index of a checkpoint becomes the index of the safetensors files."""
    assert is_index(path)
    assert index_target_of(path) == target


@pytest.mark.parametrize(
    "path", ["model.safetensors.index.json", ".bin.index.json", "a.bin.index.js", "index.json"]
)
def test_no_indexes(path: str) -> None:
    """Files that are called otherwise are no indexes of checkpoints."""
    assert not is_index(path)
    with pytest.raises(ValueError, match="index"):
        index_target_of(path)
