"""Personal models: what a network trained on one person needs to be asked for a pose and an expression."""
