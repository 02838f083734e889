"""StyleGAN2 as an editor: crop, inversion, directions, paste-back. Imported only by what uses a generator."""
