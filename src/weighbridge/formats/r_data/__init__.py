"""Read what R's `saveRDS` and `save` write, for what is in it; nothing is rebuilt."""

from weighbridge.formats.r_data.reader import Contents, read_r_data

__all__ = ["Contents", "read_r_data"]
