"""The whole head: its model, fit, hair, atlas and rasteriser."""
