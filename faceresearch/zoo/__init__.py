"""Weights: reading, writing and converting checkpoints."""
