"""What calls may cost and what they did: money or tokens set aside before calls leave, settled afterwards.

Several programs share a day's cap, so setting aside is a write transaction that sees what all of them have. To keep
that rare, more is set aside than one call needs; what a program that died had set aside counts as spent in full.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from aa_tui.backend.model.judgement import Spent
from aa_tui.backend.model.scoring import Cap, Destination, Purpose
from aa_tui.backend.store import scoring as rows
from aa_tui.backend.store.engine import Store, Tx
from aa_tui.backend.support.clock import Clock, from_ms
from aa_tui.backend.support.ids import new_id

HOLD_MS = 600_000
"""How long what was set aside counts as under way if nobody says so again."""
_SHARE = 20
"""A twentieth of what is left is set aside at a time, or what a call needs if that is more."""
_EPOCH = date(1970, 1, 1)


def day_of(at_ms: int, zone: str) -> int:
    """Return the day of an instant in a zone, days since 1970-01-01."""
    from zoneinfo import ZoneInfo

    return (from_ms(at_ms).astimezone(ZoneInfo(zone)).date() - _EPOCH).days


@dataclass(slots=True)
class _Sums:
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_nano: int | None = 0


@dataclass(slots=True)
class Ledger:
    """The purse of one purpose at one model. Used on one thread."""

    store: Store
    project: int
    zone: str
    clock: Clock
    purpose: Purpose
    to: Destination
    local: bool
    """Free: nothing is set aside, only counted."""
    priced: bool
    """Money is what is bounded; otherwise tokens are."""
    cap: Callable[[], Cap | None]
    """The bound now; None: there is none. Of a day for what a day bounds, else of this ledger's whole life."""
    daily: bool = True
    refused: bool = False
    """The last wish was refused: the cap is reached."""
    spent_nano: int = 0
    spent_tokens: int = 0
    """What this ledger spent in its life."""
    _free: int = 0
    """Set aside and not given out: nano-dollars, or tokens where no price is known."""
    _held: int = 0
    """Set aside for calls under way and for those to come."""
    _written: int = 0
    """What the row says that is set aside: `_held`, and what was spent since but is not written down as spent yet."""
    _hold: tuple[int, int] | None = None
    """(day, id) of the row that holds what is set aside."""
    _settled: dict[int, int] = field(default_factory=dict)
    """Row of what was spent, by day."""
    _unwritten: _Sums = field(default_factory=_Sums)

    def reserve(self, tokens: int, nano: int | None) -> bool:
        """Set aside what a call may cost at most; False when the cap does not allow it."""
        if self.local:
            return True
        need = (nano or 0) if self.priced else tokens
        if (self._free < need or self._outlived()) and not self._more(need):
            self.refused = True
            return False
        self.refused = False
        self._free -= need
        return True

    def settle(self, tokens: int, nano: int | None, spent: Spent) -> None:
        """Say what a call for which so much was set aside took. Unknown tokens count as set aside."""
        known = spent.input_tokens is not None and spent.output_tokens is not None
        total = (spent.input_tokens or 0) + (spent.output_tokens or 0) if known else tokens
        cost = 0 if self.local else spent.cost_nano if spent.cost_nano is not None else nano
        sums = self._unwritten
        sums.calls += spent.calls
        sums.input_tokens += (spent.input_tokens or 0) if known else tokens
        sums.output_tokens += (spent.output_tokens or 0) if known else 0
        sums.cost_nano = None if cost is None or sums.cost_nano is None else sums.cost_nano + cost
        self.spent_nano += cost or 0
        self.spent_tokens += total
        if not self.local:
            reserved, took = ((nano or 0), (cost or 0)) if self.priced else (tokens, total)
            # What was taken has left the hold with the next write; the rest can be given out again.
            self._free += max(reserved - took, 0)
            self._held -= took

    def write(self, tx: Tx, *, last: bool = False) -> None:
        """Write down what was spent since the last time, and what is set aside still; `last` gives the rest back."""
        now = self.clock.now_ms()
        sums, self._unwritten = self._unwritten, _Sums()
        if sums != _Sums():
            day = self._today()
            number = self._settled.setdefault(day, new_id(now))
            rows.spend(
                tx,
                {
                    "p": self.project,
                    "id": number,
                    "at": now,
                    "day": day,
                    "purpose": str(self.purpose),
                    "provider": self.to.provider,
                    "model": self.to.model,
                    "local": int(self.local),
                    "calls": sums.calls,
                    "input_tokens": sums.input_tokens,
                    "output_tokens": sums.output_tokens,
                    "cost": sums.cost_nano,
                },
            )
        if self._hold is not None:
            if last:
                rows.drop_hold(tx, self.project, self._hold[1])
                self._hold, self._free, self._held, self._written = None, 0, 0, 0
            else:
                self._written = max(self._held, 0)
                rows.set_hold(tx, self.project, self._hold[1], *self._row(self._written), now + HOLD_MS)

    def _today(self) -> int:
        return day_of(self.clock.now_ms(), self.zone)

    def _row(self, amount: int) -> tuple[int | None, int]:
        """Return an amount as (nano-dollars, tokens) of a row."""
        return (amount, 0) if self.priced else (None, amount)

    def _outlived(self) -> bool:
        """Return whether what is set aside is of another day than calls would be now."""
        return self.daily and self._hold is not None and self._hold[0] != self._today()

    def _more(self, need: int) -> bool:
        """Set aside what is needed beside the calls under way, and some for the calls to come if there is room."""
        now, day = self.clock.now_ms(), self._today()
        under_way = max(self._held - self._free, 0)
        with self.store.write(durable=True) as tx:
            rows.expire_holds(tx, self.project, now)
            cap, amount = self.cap(), need
            if cap is not None:
                bound = cap.nano if self.priced else cap.tokens
                if self.daily:
                    # The row that is replaced is within `used`, and so is what was spent but is not written down yet.
                    used = rows.used(tx, self.project, day)[0 if self.priced else 1]
                    mine = self._written if self._hold is not None and not self._outlived() else 0
                    room = bound - used + mine - self._unsaid() - under_way
                else:
                    room = bound - (self.spent_nano if self.priced else self.spent_tokens) - under_way
                if room < need:
                    return False
                amount = max(need, room // _SHARE)
            if self._hold is not None and self._outlived():
                rows.drop_hold(tx, self.project, self._hold[1])
                self._hold = None
            if self._hold is None:
                self._hold = (day, new_id(now))
            held = under_way + amount
            nano, tokens = self._row(held + self._unsaid())
            rows.hold(
                tx,
                {
                    "p": self.project,
                    "id": self._hold[1],
                    "at": now,
                    "day": day,
                    "purpose": str(self.purpose),
                    "provider": self.to.provider,
                    "model": self.to.model,
                    "nano": nano,
                    "tokens": tokens,
                    "until": now + HOLD_MS,
                },
            )
        self._free, self._held, self._written = amount, held, held + self._unsaid()
        return True

    def _unsaid(self) -> int:
        """Return what was spent and is not written down yet, in what is bounded."""
        sums = self._unwritten
        return (sums.cost_nano or 0) if self.priced else sums.input_tokens + sums.output_tokens
