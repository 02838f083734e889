"""Trained weights: recognise the papers' files, import them, keep them, run them. The door is `app.engine.weights`."""
