"""Hostile media: random partitions and lowers, booted in a mount namespace, and judged."""
