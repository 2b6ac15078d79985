"""Training of the refiner, which makes completions as sharp as their photos."""
