"""nn.Module only: no files, no devices, no Qt."""
