"""Topics of a view with how many of their sessions failed and how they come and go. Asked for after the figures."""

from __future__ import annotations

from collections.abc import Sequence

from aa_tui.backend.model.filter import Filter, all_of, facet_filter
from aa_tui.backend.query.buckets import place_sql
from aa_tui.backend.query.compile import Compiler, Scope
from aa_tui.backend.query.monitor.period import Period
from aa_tui.backend.query.readmodels import FacetCount, Measure, TopicStat
from aa_tui.backend.store.engine import Reader

TOPIC = "topic"
"""The field that topics are values of, unless the project names an evaluator whose classes they are."""


def topic_stats(
    reader: Reader, scope: Scope, f: Filter, period: Period, counts: Sequence[FacetCount], evaluator: str = ""
) -> tuple[TopicStat, ...]:
    """Return what is known of topics, in the order given.

    Args:
        f: the view's filter, without its range.
        counts: the topics with their sessions.
        evaluator: the classification evaluator whose classes they are; empty for the signals' and senders' topics.
    """
    starts = period.starts()
    return tuple(_stat(reader, scope, f, period, starts, count, evaluator) for count in counts)


def _stat(
    reader: Reader, scope: Scope, f: Filter, period: Period, starts: Sequence[int], count: FacetCount, evaluator: str
) -> TopicStat:
    field = "eval" if evaluator else TOPIC
    of_topic = [*f.nodes, *facet_filter(field, count.value, evaluator).nodes]

    def counted(completed: str = "") -> dict[int, int]:
        more = facet_filter("signal", completed, "task_completion").nodes if completed else ()
        made = Compiler(reader, scope, Filter(all_of([*of_topic, *more])))
        made.lower, made.upper = period.from_ms, period.to_ms
        place = place_sql("{at}", starts)
        return dict(made.select(f"{place}, COUNT(*)", period.timed(), "GROUP BY 1"))

    sessions, failed, passed = counted(), sum(counted("false").values()), sum(counted("true").values())
    judged = failed + passed
    return TopicStat(
        count.value,
        sum(sessions.values()),
        Measure(failed / judged if judged else None, judged),
        tuple(sessions.get(index, 0) for index in range(len(starts))),
    )
