"""What differs between TensorFlow and JAX."""
