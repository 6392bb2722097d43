"""The drivers: they start work and show it. No rule of narration is in here.

`flows.cli` is the command line, `flows.render` the Prefect flow; both drive `flows.rendering`.
"""
