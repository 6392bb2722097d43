"""Fuzzing: mutated files and answers, read by the real readers in a process with bounds.

The law: a result, or an error of `narration.errors` with its place; never another exception, never a hang, never more
memory than a book needs.
"""
