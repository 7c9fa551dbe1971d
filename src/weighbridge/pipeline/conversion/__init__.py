"""Convert a model: what is in it, what becomes of each file, and a destination whole or not."""
