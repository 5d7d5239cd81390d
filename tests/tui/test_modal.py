"""Screens above a place answer once, whatever is typed ahead."""

from __future__ import annotations

from textual import events
from textual.app import App

from aa_tui.screens.modal import Modal


class _Question(Modal[str]):
    def on_key(self, event: events.Key) -> None:
        self.leave(event.key)


async def test_keys_typed_ahead_answer_once() -> None:
    answers: list[str | None] = []
    app: App[None] = App()
    async with app.run_test() as pilot:
        below = app.screen
        app.push_screen(_Question(), answers.append)
        await pilot.pause()
        for letter in "abc":
            app.screen.post_message(events.Key(letter, letter))
        await pilot.pause()
        assert answers == ["a"]
        assert app.screen is below
