"""The weights of attribution: what each clue is worth.

`weights.toml` is written by `benchmarks/tune_attribution.py`; no weight is set by hand.

Invariant: a name that is not in the file weighs nothing.
"""

from __future__ import annotations

import importlib.resources
import tomllib
from collections.abc import Mapping
from functools import lru_cache


@lru_cache(maxsize=1)
def load_weights() -> Mapping[str, float]:
    """Logarithms, by the name of a feature."""
    text = importlib.resources.files(__package__).joinpath("weights.toml").read_text("utf-8")
    return {name: float(value) for name, value in tomllib.loads(text).items()}
