"""Prepares what a network trained on one person needs when it is asked for a pose and an expression."""
