"""Show what is in a pickle, and write its tensors and plain values."""
