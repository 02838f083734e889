"""The window that trains models: the form on the left, the run's progress on the right."""
