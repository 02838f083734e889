"""Mien: edit a portrait's expression and head pose."""

__version__ = "0.1.0"
