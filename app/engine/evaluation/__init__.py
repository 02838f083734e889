"""Measures generators by the papers' metrics and protocols."""
