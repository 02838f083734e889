"""The window that trains models: orders on the left, what a run tells on the right."""
