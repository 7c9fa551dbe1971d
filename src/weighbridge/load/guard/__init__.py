"""The guard in a process: entry points of frameworks that get verified bytes or an error."""
