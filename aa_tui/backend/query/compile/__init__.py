"""From a `Filter` to SQL: what drives a query, what is only probed, and in which order. Shapes no read-model.

Every session a filter lets through is found as (sort_at, id). What drives is the cheapest source of candidates: a facet
in start order (its key holds `sort_at`), the search index in row-id order, an index of the sort or a compared number,
or the plain start index; everything else is a probe by primary key. A page is never reached by an OFFSET.

    parts ─► names ─► conditions ─► planning ─► ranking ─► compiler
"""

from aa_tui.backend.query.compile.compiler import Compiler
from aa_tui.backend.query.compile.parts import Found, Scope, as_id
from aa_tui.backend.query.compile.ranking import RANK_CAP

__all__ = ["RANK_CAP", "Compiler", "Found", "Scope", "as_id"]
