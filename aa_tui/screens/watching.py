"""One watcher asks whether anything was committed, by whom ever, and tells the place that is seen.

What a place does with it is its `store_changed`; what a receiver says of itself is read in `receiving`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from aa_tui.backend.support.errors import AAError

if TYPE_CHECKING:
    from aa_tui.app import AAApp
    from aa_tui.backend.service.workspace import Workspace
    from aa_tui.screens.base import PlaceScreen


class Watching:
    """What is known of the store's commits."""

    def __init__(self, app: AAApp) -> None:
        self._app = app
        self.change: int | None = None
        """The store's change counter at the last look; None before the first one."""

    def look(self) -> None:
        """Ask whether anything was committed; it costs microseconds and paints nothing."""
        workspace = self._app.workspace
        if workspace is not None:
            self._app.run_worker(self._look(workspace), group="watch", exclusive=True, exit_on_error=False)

    def forget(self) -> None:
        """Another store was opened: nothing is known of it."""
        self.change = None

    async def _look(self, workspace: Workspace) -> None:
        app = self._app
        with app.busy(), suppress(AAError):
            try:
                change = await app.read(workspace.store.change_counter)
            except AAError as error:
                if (place := app.place_below()) is not None:
                    place.failed("news", error)
                return
            if workspace is not app.workspace:
                return
            changed, self.change = change != self.change, change
            if changed:
                await self.take()
                await app.score_beside(workspace)
                await app.scoring.look(workspace)
            else:
                self._tell()
            # A receiver that was killed says nothing of it.
            if changed or app.mark is not None:
                await app.receiver.look(workspace)

    async def take(self) -> None:
        """Something was committed: places start anew where the project's settings changed, else learn of it.

        Raises:
            AAError: the project cannot be read.
        """
        app, workspace = self._app, self._app.workspace
        if workspace is None:
            return
        with app.busy():
            for screen in app.places:
                screen.news = True
            changed = await app.read(workspace.reread)
            place = app.place_below()
            if workspace is not app.workspace or place is None:
                return
            if changed:
                await self._start_anew(place)
            else:
                self._tell()

    def _tell(self) -> None:
        """Tell the place that is seen what it has not been told yet."""
        place = self._app.place_below()
        if place is not None and place.news:
            place.news = not place.store_changed()

    async def _start_anew(self, place: PlaceScreen) -> None:
        """Show the same place again, and forget what the others hold: all of it was read under other settings."""
        address, state = place.address(), place.view_state()
        await self._app.forget_others(place)
        place.forget()
        await place.show(address, state)
        place.refresh_frame()
