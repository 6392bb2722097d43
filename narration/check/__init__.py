"""Checks: finished files held against a preset's rules, by what was measured of them.

Invariant: a check changes nothing, and says for each finding the rule, the value found, and what to do.
"""
