"""Makes StyleGAN2 an editor: crop, inversion, directions, paste-back. Only code that uses a generator imports it."""
