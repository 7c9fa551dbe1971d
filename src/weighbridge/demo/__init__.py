"""The demonstration: a real model from its publisher to a loader, and what is turned away."""
