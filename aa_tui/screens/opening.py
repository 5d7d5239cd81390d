"""The start: the store is opened beside the first frame, then the first place is filled. Upkeep comes long after.

What is opened, and which place is first, the app is told; another project of it is `switching`.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

from textual import events

from aa_tui.address import Address, parse_address
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import AAError, Cancelled
from aa_tui.screens.base import PlaceScreen
from aa_tui.screens.curtain import Curtain

if TYPE_CHECKING:
    from collections.abc import Callable

    from aa_tui.app import AAApp
    from aa_tui.backend.service.workspace import Workspace

_OPENS_WITHIN_SECONDS = 0.3
"""How long the first place waits for the store before it is imported."""
_UPKEEP_AFTER_SECONDS = 5.0
"""When everything that was asked for at the start has long been read."""


class Opening:
    """The store of this start, from before the first frame until it is open or cannot be."""

    def __init__(self, app: AAApp, opener: Callable[[], Workspace]) -> None:
        self._app = app
        self.opener = opener
        """Opens the store on a thread."""
        self._painted = asyncio.Event()
        self._opened: asyncio.Future[Workspace] | None = None
        self._upkeep = CancelToken()

    @property
    def opened(self) -> asyncio.Future[Workspace]:
        """The open project, once there is one, or why there is none."""
        if self._opened is None:
            self._opened = asyncio.get_running_loop().create_future()
        return self._opened

    def replace(self, workspace: Workspace) -> None:
        """From now on this project is the open one."""
        self._opened = None
        self.opened.set_result(workspace)

    def stop(self) -> None:
        """Leave what is still kept up as it is."""
        self._upkeep.cancel()

    # -- the store

    async def open(self) -> None:
        """Open the store once the first frame is painted, and say what was wrong with the start."""
        app = self._app
        try:
            with app.busy():
                # Opening imports much; beside the first frame it would only take the interpreter from it.
                await self._painted.wait()
                app.workspace = await app.read(self.opener)
        except Exception as error:
            self.opened.set_exception(
                error if isinstance(error, AAError) else AAError("The store did not open.", app.log_unexpected(error))
            )
            # Somebody must look at the exception even where no screen ever asks.
            self.opened.exception()
        else:
            self.opened.set_result(app.workspace)
        if isinstance(app.screen, PlaceScreen):
            app.screen.refresh_frame()
        for problem in app.problems:
            app.flash(problem, "warn")
        self.say_read_only()
        app.set_timer(_UPKEEP_AFTER_SECONDS, self._start_upkeep)

    def say_read_only(self) -> None:
        """Say why nothing can be changed, where that is so."""
        workspace = self._app.workspace
        reason = workspace.store.read_only_reason if workspace is not None else None
        if reason:
            self._app.flash(f"read-only: {reason}", "warn")

    # -- the first place

    async def fill(self, start: Address) -> None:
        """The first frame is painted: fill it, and collect garbage from now on where that was switched off."""
        # With Python's 5 ms a thread at work lets every turn of the event loop, and every file that another one
        # imports, begin that much later.
        sys.setswitchinterval(0.001)
        self._painted.set()
        screen = self._app.screen
        if isinstance(screen, Curtain):
            self._app.run_worker(self._raise(screen), group="visit", exclusive=True)
            return
        if isinstance(screen, PlaceScreen):
            await screen.show(start)
        _collect_garbage()

    async def _raise(self, curtain: Curtain) -> None:
        """Go to the first place itself and give it the keys that were typed before it was there.

        It is imported on a thread, so that keys are heard meanwhile.
        """
        app = self._app
        with app.busy():
            try:
                # Threads that import at the same time mostly wait for each other; so they do it one after the other.
                await asyncio.wait([self.opened], timeout=_OPENS_WITHIN_SECONDS)
                first = app.history.current
                section = parse_address(first.address).section
                await app.read(partial(app.class_of, section))
                place = app.screen_of(section)
                with app.batch_update() if place.SETTLES_WITHIN else nullcontext():
                    await app.visit(first)
                    for key, character in curtain.held:
                        app.post_message(events.Key(key, character))
                    await place.settled()
                place.paint_now()
            finally:
                _collect_garbage()

    # -- upkeep

    def _start_upkeep(self) -> None:
        self._app.run_worker(self._keep_up(), group="upkeep", exclusive=True, exit_on_error=False)

    async def _keep_up(self) -> None:
        """Let what is older than the project keeps go, where nobody did today; it is no reason to bother anybody."""
        app, workspace = self._app, self._app.workspace
        if workspace is None or workspace.store.read_only:
            return
        await app.score_beside(workspace)
        try:
            gone = await app.read(partial(workspace.privacy.purge_due, self._upkeep, large=False))
        except Cancelled:
            return
        except AAError as error:
            app.remember_message(str(error))
            return
        if gone is not None:
            app.remember_message(f"Older than the project keeps, and deleted: {gone.words()}.")
            await app.take_changes()


def _collect_garbage() -> None:
    """Collect garbage from now on, where the start was made without; what it made stays for good."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
