"""Read-models: small frozen values made for one view each, holding numbers and instants, never formatted strings.

None means unknown. Instants are epoch milliseconds UTC (`…_ms`), money nano-dollars (`…_nano`), durations and
latencies milliseconds. A view's values live in its module and are loaded when one of them is first asked for: making
their classes takes as long as reading a view.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels.checklist import CheckRow as CheckRow
    from aa_tui.backend.query.readmodels.evaluators import Agreement as Agreement
    from aa_tui.backend.query.readmodels.evaluators import CriterionRow as CriterionRow
    from aa_tui.backend.query.readmodels.evaluators import Difference as Difference
    from aa_tui.backend.query.readmodels.evaluators import EvaluatorDetail as EvaluatorDetail
    from aa_tui.backend.query.readmodels.evaluators import EvaluatorRow as EvaluatorRow
    from aa_tui.backend.query.readmodels.evaluators import EvaluatorVersion as EvaluatorVersion
    from aa_tui.backend.query.readmodels.evaluators import TryResult as TryResult
    from aa_tui.backend.query.readmodels.evaluators import WeekRate as WeekRate
    from aa_tui.backend.query.readmodels.facets import FacetCount as FacetCount
    from aa_tui.backend.query.readmodels.judges import JudgeView as JudgeView
    from aa_tui.backend.query.readmodels.judges import KeyState as KeyState
    from aa_tui.backend.query.readmodels.judges import ProviderRow as ProviderRow
    from aa_tui.backend.query.readmodels.monitor import AgentStat as AgentStat
    from aa_tui.backend.query.readmodels.monitor import ChartMark as ChartMark
    from aa_tui.backend.query.readmodels.monitor import Measure as Measure
    from aa_tui.backend.query.readmodels.monitor import MonitorTables as MonitorTables
    from aa_tui.backend.query.readmodels.monitor import MonitorView as MonitorView
    from aa_tui.backend.query.readmodels.monitor import Point as Point
    from aa_tui.backend.query.readmodels.monitor import Series as Series
    from aa_tui.backend.query.readmodels.monitor import ToolStat as ToolStat
    from aa_tui.backend.query.readmodels.monitor import TopicStat as TopicStat
    from aa_tui.backend.query.readmodels.projects import ProjectInfo as ProjectInfo
    from aa_tui.backend.query.readmodels.session import AnswerRow as AnswerRow
    from aa_tui.backend.query.readmodels.session import ContentText as ContentText
    from aa_tui.backend.query.readmodels.session import CostShare as CostShare
    from aa_tui.backend.query.readmodels.session import JudgingRow as JudgingRow
    from aa_tui.backend.query.readmodels.session import QuoteRow as QuoteRow
    from aa_tui.backend.query.readmodels.session import ResultRow as ResultRow
    from aa_tui.backend.query.readmodels.session import SessionBeginning as SessionBeginning
    from aa_tui.backend.query.readmodels.session import SessionDetail as SessionDetail
    from aa_tui.backend.query.readmodels.session import StepRow as StepRow
    from aa_tui.backend.query.readmodels.session import ThreadHit as ThreadHit
    from aa_tui.backend.query.readmodels.session import TurnRow as TurnRow
    from aa_tui.backend.query.readmodels.sessions import FilterPart as FilterPart
    from aa_tui.backend.query.readmodels.sessions import MatchExcerpt as MatchExcerpt
    from aa_tui.backend.query.readmodels.sessions import SessionIds as SessionIds
    from aa_tui.backend.query.readmodels.sessions import SessionRow as SessionRow
    from aa_tui.backend.query.readmodels.views import NoteRow as NoteRow
    from aa_tui.backend.query.readmodels.views import SavedViewRow as SavedViewRow

_MODULES = {
    "checklist": "CheckRow",
    "evaluators": "Agreement CriterionRow Difference EvaluatorDetail EvaluatorRow EvaluatorVersion TryResult WeekRate",
    "facets": "FacetCount",
    "judges": "JudgeView KeyState ProviderRow",
    "monitor": "AgentStat ChartMark Measure MonitorTables MonitorView Point Series ToolStat TopicStat",
    "projects": "ProjectInfo",
    "session": (
        "AnswerRow ContentText CostShare JudgingRow QuoteRow ResultRow SessionBeginning SessionDetail StepRow "
        "ThreadHit TurnRow"
    ),
    "sessions": "FilterPart MatchExcerpt SessionIds SessionRow",
    "views": "NoteRow SavedViewRow",
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
