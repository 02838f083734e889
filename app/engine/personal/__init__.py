"""Makes the inputs of networks that are trained on one person: conditions, the person's record, backgrounds."""
