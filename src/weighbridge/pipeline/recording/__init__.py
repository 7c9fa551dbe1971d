"""Record how artifacts are made: run a step, name its inputs and outputs, sign a claim."""
