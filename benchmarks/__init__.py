"""What the program costs in time, processor and memory, each figure beside its target: `python -m benchmarks`.

`frame.py` is what the parts share; a part is a module with a function that yields figures. `attribution.py`,
`discovery.py` and `voices.py` say more when run alone (`python -m benchmarks.attribution`), and
`tune_attribution.py` is a tool of development. Invariant: nothing here is imported by the program.
"""
