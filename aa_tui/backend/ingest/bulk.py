"""How this process behaves while it stores a lot at once. What is stored is not here."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_THRESHOLDS = (200_000, 20, 100)


@contextmanager
def patient_collector() -> Iterator[None]:
    """Let the garbage collector look for cycles less often while the block runs.

    Events by the hundred thousand are new objects without cycles; at its usual pace the collector walks over all of
    them again and again, for a sixth of the time an import takes.
    """
    before = gc.get_threshold()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
