"""Frozen domain values and the vocabulary. Pure: no I/O, no SQL, no terminal."""
