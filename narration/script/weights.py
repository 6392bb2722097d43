from __future__ import annotations
from typing import Final
WEIGHTS: Final[dict[str, float]] = {
    "tag:name": 6.0, "tag:other": -3.0, "tag:name:shared": -2, "comma:name": 4.0, "comma:other": -1.5, "lead:name": 3.0, "lead:other": -0.5,
    "beat-after:name": 2.5, "beat-before:name": 2.5, "beat-after:other": -0.5, "beat-before:other": -0.5,
    "tag:i": 6.0, "tag:not-i": -4.0, "comma:i": 5.0, "comma:not-i": -3.0, "lead:i": 3.0, "lead:not-i": -1, "beat-after:i": 2.0, "beat-after:not-i": -0.5, "beat-before:i": 2.0, "beat-before:not-i": -0.5,
    "tag:gender": 1.0, "comma:gender": 1.0, "lead:gender": 0.8, "beat-after:gender": 0.4, "beat-before:gender": 0.4,
    "tag:i-is-he": -5.0, "comma:i-is-he": -4.0,
    "tag:noun:gender": 1.0, "tag:noun:title": 4.0, "tag:noun:epithet": 1.0, "comma:noun:gender": 1.0, "comma:noun:epithet": 1.0, "comma:noun:title": 3.0,
    "tag:proper": -3.0, "comma:proper": -1.0,
    "addressed": -4.0, "told": -1.0, "own": 2.0, "addressed:before": 1.5, "addressed:after": 1.5, "addressed:before:other": -0.5, "addressed:after:other": -0.5,
    "spoken-to:before": 1.0, "spoken-to:after": 0.5, "tag:spoken-to": -4.0, "address:before": 0.3, "address:after": 0.3, "told:before": -0.5,
    "unknown:bare": -3.0, "unknown:beat": -3.0, "unknown:pro": -3.0, "unknown:name": -4.0, "unknown:first": -1.0, "unknown:noun": -1.0, "unknown:proper": 1.0,
    "same:joined": -1.0, "same:continued": 5.0, "back:new": 0.0, "same:new": 0.0, "back:9": 0.2, "same:9": -0.2, "back:joined": 0.5,
    "frequency:bare": 0.5, "frequency:pro": 0.5, "frequency:beat": 0.5, "frequency:noun": 0.3,
    "subject:bare": 0.8, "subject:pro": 1.0, "narrator:bare": 0.3,
    "present:bare": 0.4, "present:pro": 0.3,
    **{f"rank:pro:{i}": 1.6 - 0.8 * i for i in range(5)},
    **{f"rank:bare:{i}": 0.8 - 0.3 * i for i in range(5)},
    **{f"tagged-before:{w}:{k}": v for w in ("bare", "pro") for k, v in {"1": 0.3, "2": 1.0, "3": 0.6, "4": 0.6, "6": 0.4, "10": 0.2, "never": -0.8}.items()},
    **{f"tagged-after:{w}:{k}": v for w in ("bare", "pro") for k, v in {"1": 0.2, "2": 0.7, "3": 0.4, "4": 0.4, "6": 0.2, "never": -0.4}.items()},
    **{f"same:{s}:{g}:{f}{a}": v for s, v in {"0": -2.0, "1": -0.8, "3": 0.0}.items() for g in ("bare", "beat", "pro", "tag") for f in ("bare", "tag") for a in ("", ":asked")},
    **{f"back:{s}:{g}": v for s, v in {"0": 1.8, "1": 1.2, "3": 0.6}.items() for g in ("bare", "beat", "pro", "tag")},
}
