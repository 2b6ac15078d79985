"""Hamiltonian Monte Carlo over latents: kernel, chains, summaries, diagnostics."""
