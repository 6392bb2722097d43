"""The sandbox: an offline speech service that answers as DashScope does and really speaks.

It runs as a process of its own (`python -m narration.sandbox`) and is the other side of the wire: it imports nothing
of the rest of `narration`, and only flows and tests start it. `launch.command` builds the command line.

Invariant: whatever was billed is on disk before the answer leaves, so the bill at `/sandbox/bill` survives any kill.
"""
