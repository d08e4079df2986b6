"""Training: loops, hooks, samplers."""
