"""Backend seam: devices, graphs and optimisers, on TensorFlow or JAX."""
