"""Fuzzing of what reads untrusted bytes: `python -m tests.fuzz importers`, `python -m tests.fuzz protocol`."""
