"""Steps of a build: other programs, run as they are or isolated, and what they open observed."""
