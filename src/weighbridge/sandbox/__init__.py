"""Run a callable or a command in a confined child. The engines come with the isolation work."""
