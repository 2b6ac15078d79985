"""Ways to train the same two networks, which ``benchmarks/training.py`` compares.

Each module has ``rounds_of_steps(faces, batch_size, precision)``, which gives a
function that trains STEPS steps, batches included.
"""

STEPS = 5
LATENT_SIZE = 100
