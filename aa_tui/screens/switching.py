"""Another project while the app runs: one of the same store, or the sample, which is built first where it is missing.

The project of the start is opened in `opening`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING

from textual.content import Content

from aa_tui.address import Address, parse_address
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import AAError
from aa_tui.screens.base import PlaceScreen

if TYPE_CHECKING:
    from collections.abc import Callable

    from aa_tui.app import AAApp
    from aa_tui.backend.ingest.report import ProgressEvent
    from aa_tui.backend.service.workspace import Workspace


class Switching:
    """The way from one project to another, and the sample project that may be being built."""

    def __init__(self, app: AAApp) -> None:
        self._app = app
        self._building: CancelToken | None = None

    def use_project(self, name: str) -> None:
        """Switch to another project of the store: every place starts anew."""
        former = self._app.workspace
        if former is None:
            return

        def opener() -> Workspace:
            from aa_tui.backend.service.projects import open_workspace

            return open_workspace(former.store, name, former.actor, former.clock)

        self._app.run_worker(self._reopen(opener, self._app.options.memory), exit_on_error=False)

    def use_sample(self) -> None:
        """Switch to the sample project, in the store of its own that is built first where it is missing."""
        app, former = self._app, self._app.workspace
        if former is None or self._building is not None:
            return

        token = self._building = CancelToken()
        loop, context = asyncio.get_running_loop(), copy_context()

        def tell(event: ProgressEvent) -> None:
            # The program may have been left meanwhile.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._say_building, event, context=context)

        def opener() -> Workspace:
            from aa_tui.backend.service.sample import open_sample

            return open_sample(former.actor, former.clock, tell, token)

        async def switch() -> None:
            try:
                await self._reopen(opener, None)
            finally:
                self._building = None
                app.say_background(None)

        app.flash("opening the sample project; building it takes some seconds the first time")
        app.run_worker(switch(), exit_on_error=False)

    def stop(self) -> None:
        """Build the sample no further."""
        if self._building is not None:
            self._building.cancel()

    def _say_building(self, event: ProgressEvent) -> None:
        if self._building is not None:
            words = Content(f"building the sample project {event.fraction:.0%}")
            self._app.say_background(words, words)

    async def _reopen(self, opener: Callable[[], Workspace], memory: str | None) -> None:
        """Open another workspace; its places are kept under `memory`, or under its store's own name."""
        app = self._app

        def opening() -> Workspace:
            opened = opener()
            app.remember_project(opened)
            return opened

        try:
            with app.busy():
                opened = await app.read(opening)
        except AAError as error:
            app.flash(str(error), "bad")
            return
        app.workspace, app.session_list = opened, None
        app.watching.forget()
        app.options.memory = memory if memory is not None else f"{opened.store.url} {opened.project.name}"
        app.opening.replace(opened)
        section = parse_address(app.history.current.address).home
        current = app.screen
        await app.forget_others(current)
        first = app.history.restart(section)
        if isinstance(current, PlaceScreen) and current.address().section == section:
            current.forget()
            await current.show(Address(section))
        else:
            await app.visit(first)
        app.opening.say_read_only()
