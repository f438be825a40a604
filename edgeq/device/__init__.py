"""Runs a generated program where it will run for good: the framed protocol, and the ways to a device."""
