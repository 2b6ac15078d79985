"""What several benchmarks, and tests, measure with."""
