"""Holds the networks, each an nn.Module: nothing here opens files, chooses devices or imports Qt."""
