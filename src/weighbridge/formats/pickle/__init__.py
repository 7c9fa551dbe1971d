"""What an unpickler would do with a stream, found out without doing it."""
