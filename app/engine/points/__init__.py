"""Translates between LivePortrait and our values: its crop of a photo, and our pose and expressions in its 21
points.
"""
