"""Write the tensors of PyTorch checkpoints as safetensors files, without an unpickler."""
