"""Executed instructions, flash and RAM of real models on emulated cores (`make bench`)."""
