"""What a Keras configuration names, and which of that is known to be a harmless part of a model."""
