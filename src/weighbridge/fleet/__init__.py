"""Many models: the adapter of a distributed engine."""
