"""Faults around the program: a full disk, a clock that jumps, a slow network, a store that goes away."""
