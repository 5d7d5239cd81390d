"""Writing what a round took, so that one event the store cannot take costs itself only. Maps nothing."""

from __future__ import annotations

from collections.abc import Sequence

from aa_tui.backend.ingest.arrivals.records import Taken
from aa_tui.backend.ingest.writer import Incoming, Writer
from aa_tui.backend.ingest.writer.records import New
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.clock import Clock
from aa_tui.backend.support.errors import AAError, StoreError

_SLICE_EVENTS, _SLICE_CHARS = 6_000, 9_000_000
"""Several times an import's: sessions of all times come together, so that every commit, however small, writes most
pages of the indexes anew."""
_REFUSED = "refused a statement"
"""Said of a store that works but does not take what it was given."""


def write(store: Store, project_id: int, clock: Clock, taken: Taken) -> int:
    """Write what was taken and return the number of new sessions; what cannot be written becomes a problem.

    Raises:
        StoreError: the store cannot be written at all.
    """
    return _write(store, project_id, clock, taken, [*taken.news, *taken.incoming], taken.removed)


def _write(
    store: Store,
    project_id: int,
    clock: Clock,
    taken: Taken,
    incoming: Sequence[Incoming | New],
    removed: Sequence[str],
) -> int:
    # Live sessions close and open again, which a writer of one import must not see twice: so one per round.
    writer = Writer(store, project_id, clock, replace=False, slice_events=_SLICE_EVENTS, slice_chars=_SLICE_CHARS)
    writer.trust({one.event.insert_id for one in incoming if isinstance(one, New)}, taken.data_version)
    try:
        return sum(one.sessions for one in writer.write(incoming, removed=removed).values())
    except StoreError as error:
        if _REFUSED not in str(error):
            raise
        reason = "refused by the store"
    except AAError:
        raise
    except Exception as error:
        # Not the store's own words: a value that its driver cannot take, or a session that cannot be derived.
        reason = f"cannot be stored: {type(error).__name__}"
    if len(incoming) <= 1 and not (incoming and removed):
        taken.problem("events", reason, max(len(incoming), len(removed)))
        return 0
    half = len(incoming) // 2
    found = 0
    for items, gone in ((incoming[:half], ()), (incoming[half:], ()), ((), removed)):
        if items or gone:
            found += _write(store, project_id, clock, taken, items, gone)
    return found
