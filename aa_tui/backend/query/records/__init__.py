"""`[Agent] Session Record` and `[Agent] Evaluator Result`: events projected from results, sessions and closes.

They are stored nowhere (decision 8). Every close of a session has a record and every verdict of an active evaluator a
result; those that a later close or verdict replaced are kept and told apart by `current`.

    reading (rows of some sessions) ─► properties (what the events say, pure) ─► events
"""

from aa_tui.backend.query.records.projecting import (
    EVALUATOR_RESULT,
    SESSION_RECORD,
    TYPES,
    ProjectedEvent,
    events,
    events_of,
    session_record,
)
from aa_tui.backend.query.records.properties import evaluator_properties, record_properties
from aa_tui.backend.query.records.reading import Close, Judged, Result, Subject, subjects

__all__ = [
    "EVALUATOR_RESULT",
    "SESSION_RECORD",
    "TYPES",
    "Close",
    "Judged",
    "ProjectedEvent",
    "Result",
    "Subject",
    "evaluator_properties",
    "events",
    "events_of",
    "record_properties",
    "session_record",
    "subjects",
]
