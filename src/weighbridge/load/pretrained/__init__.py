"""Libraries that load a model by the directory of it: transformers and those built like it."""
