"""What a user would pick instead, each a program of its own that `side_by_side.py` starts in a temporary environment."""
