"""What a store holds of somebody, counted: together, as nothing, and in words."""

from __future__ import annotations

import pytest

from aa_tui.backend.model.held import Held


def test_two_are_added_count_by_count_and_neither_changes() -> None:
    first = Held(sessions=1, events=5, events_outside=2, journal=1, left=("a backup",))
    second = Held(sessions=2, sessions_in_part=1, events=3, results=4, left=("another",))
    assert first + second == Held(
        sessions=3, sessions_in_part=1, events=8, events_outside=2, results=4, journal=1, left=("a backup", "another")
    )
    assert first == Held(sessions=1, events=5, events_outside=2, journal=1, left=("a backup",))


@pytest.mark.parametrize("held", [Held(sessions=1), Held(sessions_in_part=1), Held(events=1, events_outside=1)])
def test_a_part_or_a_product_event_is_something(held: Held) -> None:
    assert not held.nothing


def test_what_was_only_replaced_is_nothing_held() -> None:
    assert Held(notes=3, journal=2, left=("a backup",)).nothing


def test_words_tell_product_events_from_those_of_sessions() -> None:
    assert Held().words() == "nothing"
    held = Held(sessions=1, sessions_in_part=2, events=1_205, events_outside=5, answers=1)
    assert held.words() == "1 session, 2 parts of sessions, 1,200 events, 5 product events, 1 answer or label"
