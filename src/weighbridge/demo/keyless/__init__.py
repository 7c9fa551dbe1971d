"""The demonstration of signing without keys: a workflow signs, and others fail to pass for it."""
