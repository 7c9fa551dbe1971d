"""Stands for the reference implementation where a script says `python -m model_signing`."""
