"""The audio room: clips in, chapters out. The only importer of pydub, numpy, PyAV and ffmpeg.

Invariant: positions are frames, never milliseconds or seconds; and one clip at a time is in memory, however long the
book is.
"""
