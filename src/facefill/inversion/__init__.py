"""The latent search: measurements of a face to the latents that explain them."""
