"""Confined processes: what they may use (`interface`), and how they are kept to it on Linux."""
