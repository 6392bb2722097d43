"""The domain of the renderer: a manuscript and a cast become takes, takes become an audiobook.

Nothing in here prints, reads the environment, or knows of Prefect; `flows` drives it.
"""

__version__ = "0.1.0"
