"""Compiles rofs for other architectures than that of the host, and runs tests there; see run."""
