"""History of places: steps back and forward, what is forgotten, how sections were left."""

from __future__ import annotations

from aa_tui.address import Address, parse_address
from aa_tui.history import LIMIT, Entry, History


def went(*addresses: str) -> History:
    history = History(addresses[0])
    for address in addresses[1:]:
        history.push(address)
    return history


def everything(history: History) -> list[str]:
    """Return all steps, the oldest first, and leave the history at the newest."""
    while history.move(-1):
        pass
    found = [history.current.address]
    while step := history.move(1):
        found.append(step.address)
    return found


def test_back_and_forward_return_what_a_place_kept() -> None:
    history = went("monitor")
    history.replace(Address("monitor"), {"cursor": 3})
    history.push("sessions")
    history.replace(Address("sessions", {"agents": "billing"}), {"id": 7})
    assert history.move(-1) == Entry("monitor", {"cursor": 3})
    assert history.move(1) == Entry("sessions?agents=billing", {"id": 7}) == history.current


def test_there_is_nothing_beyond_the_ends_and_trying_moves_nothing() -> None:
    history = went("monitor", "sessions", "runs")
    assert history.move(1) is None and history.current.address == "runs"
    assert [history.move(-1).address for _ in range(2)] == ["sessions", "monitor"]  # type: ignore[union-attr]
    assert history.move(-1) is None and history.current.address == "monitor"


def test_going_elsewhere_forgets_what_was_forward() -> None:
    history = went("monitor", "sessions", "runs")
    history.move(-1)
    history.push("cohorts")
    assert history.move(1) is None and everything(history) == ["monitor", "sessions", "cohorts"]


def test_the_oldest_of_too_many_go() -> None:
    history = went(*(f"session/{number}" for number in range(LIMIT + 5)))
    kept = everything(history)
    assert len(kept) == LIMIT and kept[0] == "session/5" and kept[-1] == f"session/{LIMIT + 4}"


def test_replacing_makes_no_step() -> None:
    history = went("monitor", "sessions")
    history.replace("sessions?agents=billing", {"id": 1})
    assert everything(history) == ["monitor", "sessions?agents=billing"] and history.current.state == {"id": 1}
    history.replace("sessions")
    assert history.current == Entry("sessions")


def test_what_a_place_keeps_later_changes_no_step() -> None:
    history, state = went("sessions"), {"id": 1}
    history.replace("sessions", state)
    state["id"] = 2
    assert history.current.state == {"id": 1}


def test_a_section_is_known_as_it_was_left() -> None:
    history = went("sessions")
    assert history.last_of("sessions") == "sessions"
    history.replace(parse_address("sessions?agents=billing"))
    history.push("session/s-1")
    history.replace(parse_address("session/s-1/info"))
    assert history.last_of("sessions") == "sessions?agents=billing"
    assert history.sections == {"sessions": "sessions?agents=billing"}, "a session is no section"
    assert History("monitor", history.sections).last_of("sessions") == "sessions?agents=billing"


def test_another_project_begins_anew() -> None:
    history = went("monitor", "sessions")
    history.replace(Address("sessions", {"agents": "billing"}))
    assert history.restart("runs") == Entry("runs") == history.current
    assert everything(history) == ["runs"] and history.last_of("sessions") == "sessions"
