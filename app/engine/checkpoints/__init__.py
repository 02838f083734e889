"""Trained weights: recognise the papers' files, import them, keep them, run them. `store` is the door."""
