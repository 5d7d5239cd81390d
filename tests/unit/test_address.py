"""Addresses: what is written is read back, links are understood, nonsense is refused in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aa_tui.address import SECTIONS, SESSION_TABS, Address, parse_address
from aa_tui.backend.support.errors import UsageError

_texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)


@given(st.sampled_from(SECTIONS), st.dictionaries(_texts, _texts, max_size=4))
def test_sections_round_trip(section: str, params: dict[str, str]) -> None:
    address = Address(section, params)
    assert parse_address(str(address)) == address


@given(_texts.filter(lambda key: key.strip() == key), st.sampled_from((None, *SESSION_TABS)))
def test_sessions_round_trip_whatever_their_key(key: str, tab: str | None) -> None:
    address = Address("session", {}, key, tab)
    assert parse_address(str(address)) == address
    assert "'" not in str(address)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("monitor?range=30d&agents=billing", Address("monitor", {"range": "30d", "agents": "billing"})),
        (" sessions ", Address("sessions")),
        ("session/ticket-1/turns", Address("session", {}, "ticket-1", "turns")),
        ("ticket-88213", Address("session", {}, "ticket-88213")),
        ("https://x.test/app/llm-analytics/sessions/abc", Address("session", {}, "abc")),
        ("https://x.test/llm-analytics?agents=a,b", Address("sessions", {"agents": "a,b"})),
    ],
)
def test_what_people_write(text: str, expected: Address) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize("text", ["", "nowhere?x=1", "session/", "session/a/sideways", "https://x.test/other", "a b"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_address(text)
    assert refused.value.hint


def test_params_are_changed_and_dropped() -> None:
    address = Address("sessions", {"agents": "a", "sort": "cost"})
    assert str(address.with_params(sort=None, since="7d")) == "sessions?agents=a&since=7d"
