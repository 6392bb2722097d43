"""The memory rooms: store, claims, journal, ledger, budget, takes and voices."""
