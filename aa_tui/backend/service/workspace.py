"""One project, opened by one actor: the object doors hold. Groups of calls are built when first used."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.clock import Clock, SystemClock

if TYPE_CHECKING:
    from aa_tui.backend.query.compile import Scope
    from aa_tui.backend.query.readmodels import ProjectInfo
    from aa_tui.backend.service.evaluators import EvaluatorService
    from aa_tui.backend.service.imports import ImportService
    from aa_tui.backend.service.judges import JudgeService
    from aa_tui.backend.service.monitor import MonitorService
    from aa_tui.backend.service.privacy import PrivacyService
    from aa_tui.backend.service.scoring import ScoringService
    from aa_tui.backend.service.sessions import SessionService
    from aa_tui.backend.service.views import ViewService


class Workspace:
    """Everything a door can ask of one project.

    Calls are synchronous and may take a `CancelToken`; a door with an event loop runs them on reader threads.
    """

    def __init__(self, store: Store, project: ProjectInfo, actor: Actor, clock: Clock | None = None) -> None:
        self.store = store
        self.project = project
        self.actor = actor
        self.clock = clock or SystemClock()

    def reread(self) -> bool:
        """Read the project again, as others may have changed it; return whether its name or a setting is another now.

        Raises:
            NotFound: it is gone.
            StoreError: the store cannot be read.
        """
        from aa_tui.backend.service.projects import ProjectService

        former = self.project
        now = self.project = ProjectService(self.store, self.clock).get(str(former.id))
        return (now.name, now.time_zone, now.settings) != (former.name, former.time_zone, former.settings)

    def data_version(self) -> int:
        """Return a number that rises whenever the project's data or a decision in it changed.

        The store's change counter moves with every commit: with leases, other projects, what a receiver says of itself.

        Raises:
            StoreError: the store cannot be read.
        """
        from aa_tui.backend.store import decisions

        with self.store.reader() as reader:
            return decisions.data_version(reader, self.project.id)

    @property
    def scope(self) -> Scope:
        """What queries are about: the project, its zone and the time now."""
        from aa_tui.backend.query.compile import Scope

        return Scope(self.project.id, self.project.time_zone, self.clock.now_ms())

    @cached_property
    def sessions(self) -> SessionService:
        """Lists, search, one session and its texts."""
        from aa_tui.backend.service.sessions import SessionService

        return SessionService(self)

    @cached_property
    def monitor(self) -> MonitorService:
        """Tiles, charts, tables and the get-started checklist."""
        from aa_tui.backend.service.monitor import MonitorService

        return MonitorService(self)

    @cached_property
    def views(self) -> ViewService:
        """Saved filters and chart notes: decisions, journaled and undoable."""
        from aa_tui.backend.service.views import ViewService

        return ViewService(self)

    @cached_property
    def imports(self) -> ImportService:
        """Bringing files in, and the places where coding agents keep theirs."""
        from aa_tui.backend.service.imports import ImportService

        return ImportService(self)

    @cached_property
    def privacy(self) -> PrivacyService:
        """Forgetting users and sessions, and what is older than the project keeps."""
        from aa_tui.backend.service.privacy import PrivacyService

        return PrivacyService(self)

    @cached_property
    def scoring(self) -> ScoringService:
        """Judging closed sessions by a model: consent, cap, rounds, backfill."""
        from aa_tui.backend.service.scoring import ScoringService

        return ScoringService(self)

    @cached_property
    def evaluators(self) -> EvaluatorService:
        """What people define to measure quality by: versions, drafts, activation, trying."""
        from aa_tui.backend.service.evaluators import EvaluatorService

        return EvaluatorService(self)

    @cached_property
    def judges(self) -> JudgeService:
        """The project's judge and the roads to models: choice, keys, local servers, a check."""
        from aa_tui.backend.service.judges import JudgeService

        return JudgeService(self)
