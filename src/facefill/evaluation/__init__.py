"""Scores: of completions against baselines, and of samples against photos."""
