"""Delivery: the formats in which a finished book leaves the house, all of them made from one timeline.

Invariant: the output folder holds whole files only, and what is not ours in it is never touched.
"""
