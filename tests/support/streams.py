"""Streams that do not do what streams do."""

import io


class FullStream(io.StringIO):
    """A stream to which nothing can be written any more, as on a full disk."""

    def write(self, text: str, /) -> int:
        """Fail."""
        raise OSError(28, "No space left on device")
