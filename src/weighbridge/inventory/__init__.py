"""Walk, sniff and hash an artifact, reading every byte once."""
