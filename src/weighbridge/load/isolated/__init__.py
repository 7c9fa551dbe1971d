"""Loads in a confined process of their own, of which tensors and plain data come back."""
