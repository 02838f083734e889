"""LivePortrait's points in our terms: its crop of a photo, our pose and our expressions in its 21 points."""
