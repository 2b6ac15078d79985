"""The DCGAN learns: step, loop, checkpoints, replicas."""
