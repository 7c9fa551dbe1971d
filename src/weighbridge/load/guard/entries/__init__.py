"""The entry points of each framework; imported when the framework is."""
