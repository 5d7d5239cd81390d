"""Text addresses of places: `sessions?agents=billing&since=7d`, `session/KEY/turns`. Parsing and writing only.

History, the `:` line, deep links, copied links, the CLI and MCP all speak this one form. What the parameters mean is
the place's own business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from aa_tui.backend.support.errors import UsageError

SECTIONS = ("monitor", "sessions", "evaluators", "runs", "datasets", "cohorts")
"""The numbered sections, in order."""
PLACES = (*SECTIONS, "session")
SESSION_TABS = ("thread", "info", "turns", "evaluators", "review")
"""The tabs of one session, in order."""

_LINK_SLUG = "llm-analytics"


@dataclass(frozen=True, slots=True)
class Address:
    """A place and how it is looked at. Equal addresses show the same thing; order of parameters is kept."""

    section: str
    """One of `PLACES`."""
    params: dict[str, str] = field(default_factory=dict, hash=False)
    session: str | None = None
    """The session's key, for section `session`."""
    tab: str | None = None

    def __str__(self) -> str:
        path = self.section
        if self.session is not None:
            path += "/" + quote(self.session, safe="")
        if self.tab:
            path += "/" + self.tab
        query = urlencode({k: v for k, v in self.params.items() if v != ""}, quote_via=quote, safe=",:")
        return f"{path}?{query}" if query else path

    @property
    def home(self) -> str:
        """The numbered section this place belongs to."""
        return "sessions" if self.section == "session" else self.section

    def with_params(self, **changes: str | None) -> Address:
        """Return the same place with some parameters set, or dropped where the value is None."""
        params = {**self.params, **{k: v for k, v in changes.items() if v is not None}}
        return Address(
            self.section, {k: v for k, v in params.items() if changes.get(k, v) is not None}, self.session, self.tab
        )


def parse_address(text: str) -> Address:
    """Return the place a text names: an address, a link that contains one, or a bare session key.

    Raises:
        UsageError: empty, or an address whose section or tab does not exist.
    """
    clean = text.strip()
    if "://" in clean:
        return _from_link(clean)
    path, _, query = clean.partition("?")
    pieces = [unquote(piece) for piece in path.strip("/").split("/")]
    params = dict(parse_qsl(query, keep_blank_values=False))
    head = pieces[0].lower()
    if head == "session":
        if len(pieces) < 2 or not pieces[1]:
            raise UsageError("This address names no session.", "Write session/KEY or session/KEY/turns.")
        tab = pieces[2].lower() if len(pieces) > 2 and pieces[2] else None
        if tab is not None and tab not in SESSION_TABS:
            raise UsageError(f"A session has no tab {tab!r}.", f"Its tabs: {', '.join(SESSION_TABS)}.")
        return Address("session", params, pieces[1], tab)
    if head in SECTIONS:
        tab = pieces[1].lower() if len(pieces) > 1 and pieces[1] else None
        return Address(head, params, None, tab)
    if head and len(pieces) == 1 and not query and not any(c.isspace() for c in head):
        return Address("session", {}, pieces[0])
    raise UsageError(f"{text!r} is not a place.", f"Places: {', '.join(SECTIONS)}, session/KEY.")


def _from_link(link: str) -> Address:
    """Read an Amplitude link (…/llm-analytics/sessions/ID or …/llm-analytics?agents=a) as an address."""
    parts = urlsplit(link)
    pieces = [unquote(piece) for piece in parts.path.split("/") if piece]
    if _LINK_SLUG not in pieces:
        raise UsageError("This link does not lead to agent analytics.", f"Its path should contain /{_LINK_SLUG}.")
    rest = pieces[pieces.index(_LINK_SLUG) + 1 :]
    params = dict(parse_qsl(parts.query))
    if len(rest) >= 2 and rest[0] in ("sessions", "session"):
        return Address("session", {}, rest[1])
    if rest and rest[0] in SECTIONS:
        return Address(rest[0], params)
    return Address("sessions" if "agents" in params else "monitor", params)
