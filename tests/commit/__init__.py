"""Judges of `rofs commit` that share no code with it: random series of changes, and power cuts."""
