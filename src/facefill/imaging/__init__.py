"""Pixels: photos, pictures, geometry, masks, degradations, blending. No TensorFlow."""
