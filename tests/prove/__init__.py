"""The long proofs: real processes, killed, starved, raced and lied to, against the sandbox."""
