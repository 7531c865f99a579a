"""Real Debian systems booted in QEMU, for the tests and for tools/demo."""
