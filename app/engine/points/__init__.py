"""Converts our values to LivePortrait's: its crop of a photo, and our pose and expressions in its 21 points."""
