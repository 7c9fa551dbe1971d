"""Give out verified bytes, and nothing else."""
