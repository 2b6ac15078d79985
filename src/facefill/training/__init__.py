"""DCGAN training: loop, step, checkpoints, monitors, several devices."""
