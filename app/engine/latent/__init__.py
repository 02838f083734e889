"""Makes an editor of StyleGAN2: inversion, directions, expressions. Only code that uses a generator imports it."""
