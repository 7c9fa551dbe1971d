"""The claims of an artifact: read, verified against a policy's trust, appended, carried along."""
