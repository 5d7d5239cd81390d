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
SCORING = ("scoring", "judge", "backfill")
"""Places of model scoring."""
PLACES = (*SECTIONS, "session", "evaluator", "editor", *SCORING)
EDITOR_TABS = ("edit", "try")
"""The sides of one evaluator's editor: what is written, and what it says of some sessions."""
SESSION_TABS = ("thread", "info", "turns", "evaluators", "review")
"""The tabs of one session, in order."""

_LINK_SLUG = "llm-analytics"
_WRITTEN = {"evaluator": "evaluators", "editor": "evaluators"}
"""How a section's address begins, where not with its name."""
_HOMES = {"session": "sessions", **dict.fromkeys((*_WRITTEN, *SCORING), "evaluators")}


@dataclass(frozen=True, slots=True)
class Address:
    """A place and how it is looked at. Equal addresses show the same thing; order of parameters is kept."""

    section: str
    """One of `PLACES`."""
    params: dict[str, str] = field(default_factory=dict, hash=False)
    session: str | None = None
    """The session's key, for section `session`."""
    tab: str | None = None
    evaluator: str | None = None
    """The evaluator's name, for sections `evaluator` and `editor`; a new one has none, but a parameter `new`."""

    def __str__(self) -> str:
        path = _WRITTEN.get(self.section, self.section)
        name = self.evaluator if self.session is None else self.session
        if name is not None:
            path += "/" + quote(name, safe="")
            if self.section == "editor":
                path += "/" + (self.tab or EDITOR_TABS[0])
        if self.tab and self.section != "editor":
            path += "/" + self.tab
        query = urlencode({k: v for k, v in self.params.items() if v != ""}, quote_via=quote, safe=",:")
        return f"{path}?{query}" if query else path

    @property
    def home(self) -> str:
        """The numbered section this place belongs to."""
        return _HOMES.get(self.section, self.section)

    def with_params(self, **changes: str | None) -> Address:
        """Return the same place with some parameters set, or dropped where the value is None."""
        params = {**self.params, **{k: v for k, v in changes.items() if v is not None}}
        return Address(
            self.section,
            {k: v for k, v in params.items() if changes.get(k, v) is not None},
            self.session,
            self.tab,
            self.evaluator,
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
    if head == "evaluators" and (len(pieces) > 1 or "new" in params):
        return _evaluator(pieces[1:], params)
    if head in SCORING and len(pieces) == 1:
        return Address(head, params)
    if head in SECTIONS:
        tab = pieces[1].lower() if len(pieces) > 1 and pieces[1] else None
        return Address(head, params, None, tab)
    if head and len(pieces) == 1 and not query and not any(c.isspace() for c in head):
        return Address("session", {}, pieces[0])
    raise UsageError(f"{text!r} is not a place.", f"Places: {', '.join((*SECTIONS, *SCORING))}, session/KEY.")


def _evaluator(pieces: list[str], params: dict[str, str]) -> Address:
    name, side = (*pieces, "", "")[:2]
    if not name:
        return Address("editor" if "new" in params else "evaluators", params)
    if not side:
        return Address("evaluator", params, evaluator=name)
    if side.lower() not in EDITOR_TABS:
        raise UsageError(f"An evaluator has no {side!r}.", f"There is: {', '.join(EDITOR_TABS)}.")
    return Address("editor", params, tab=side.lower(), evaluator=name)


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
