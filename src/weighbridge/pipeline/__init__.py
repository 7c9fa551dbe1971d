"""The stages in order: the only code that knows what comes before what."""
