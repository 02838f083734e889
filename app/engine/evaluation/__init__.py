"""The papers' metrics and protocols."""
