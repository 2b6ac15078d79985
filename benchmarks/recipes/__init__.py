"""Ways to train, and to search with, the same two networks.

``benchmarks/training.py`` compares the modules that have ``rounds_of_steps(faces,
batch_size, precision)``, which gives a function that trains STEPS steps, batches
included; ``benchmarks/search.py`` those that have ``rounds_of_iterations`` of the same
arguments, which gives one that takes ITERATIONS iterations of a batch of searches.
"""

STEPS = 5
ITERATIONS = 10
LATENT_SIZE = 100
LAM = 0.1
