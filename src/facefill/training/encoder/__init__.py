"""Training of the encoder, from which the searches of one generator begin."""
