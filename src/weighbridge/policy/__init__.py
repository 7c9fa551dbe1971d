"""The policy's schema and its pure evaluation."""
