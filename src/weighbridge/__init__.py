"""weighbridge: where model weights are checked before they go on the road."""
