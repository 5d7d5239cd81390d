"""Sums over a session's events: tokens, costs, errors, latencies, by model and by tool. Ratios are for queries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aa_tui.backend.ingest.sessionise.kinds import AI, FAILING, SPAN, SPENDING, TOOL, USER
from aa_tui.backend.ingest.stored import StoredEvent, to_json
from aa_tui.backend.model import histogram

LONE_RESULT = "tool_result"
"""Name of the span that stands for a tool result whose call is not in the source."""


def plus(total: int | None, value: int | None) -> int | None:
    """Return the sum of what is known; None when nothing is."""
    if value is None:
        return total
    return value if total is None else total + value


def tokens_of(event: StoredEvent) -> int | None:
    """Return an event's tokens: the total given, else input and output."""
    if event.total_tokens is not None:
        return event.total_tokens
    return plus(event.input_tokens, event.output_tokens)


class Totals:
    """Sums over events; None stays None until something is known."""

    def __init__(self, events: Iterable[StoredEvent]) -> None:
        self.messages = self.user_messages = self.model_calls = self.tool_calls = self.tool_errors = self.errors = 0
        self.priced_calls = 0
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self.total_tokens: int | None = None
        self.reasoning_tokens: int | None = None
        self.cache_read_tokens: int | None = None
        self.cache_creation_tokens: int | None = None
        self.cost_nano: int | None = None
        self.cost_estimated = False
        self.has_text = False
        self.latencies: list[float] = []
        self.bins: dict[int, int] = {}
        self.ttfb_bins: dict[int, int] = {}
        self.tool_bins: dict[str, dict[int, int]] = {}
        self.models: dict[str, list[int]] = {}
        """[calls, errors, tokens, cost] by model, in order of first use."""
        self.tools: dict[str, list[int]] = {}
        """[calls, errors] by tool."""
        self.error_types: dict[str, int] = {}
        self.failed_tools: set[str] = set()
        self.tool_errors_by_type: dict[tuple[str, str], int] = {}
        """By tool and error type, where it is known."""
        self.providers: set[str] = set()
        for event in events:
            self._add(event)

    def _add(self, event: StoredEvent) -> None:
        kind = event.kind
        if event.is_error and kind in FAILING:
            self.errors += 1
            name = event.error_type or "Error"
            self.error_types[name] = self.error_types.get(name, 0) + 1
        if event.cost_nano is not None and kind in SPENDING:
            self.cost_nano = plus(self.cost_nano, event.cost_nano)
            self.cost_estimated = self.cost_estimated or bool(event.cost_estimated)
        if kind == TOOL:
            self.tool_calls += 1
            tool = event.name or "unknown"
            counts = self.tools.setdefault(tool, [0, 0])
            counts[0] += 1
            if event.is_error:
                self.tool_errors += 1
                counts[1] += 1
                self.failed_tools.add(tool)
                if event.error_type:
                    pair = (tool, event.error_type)
                    self.tool_errors_by_type[pair] = self.tool_errors_by_type.get(pair, 0) + 1
            if event.latency_ms and event.latency_ms > 0:
                bins = self.tool_bins.setdefault(tool, {})
                number = histogram.bin_of(event.latency_ms)
                bins[number] = bins.get(number, 0) + 1
        elif kind == SPAN and event.is_error and event.name == LONE_RESULT:
            # The result of a call that a compaction or rewind took out of the transcript: the tool failed all the same.
            self.tool_errors += 1
        elif kind == AI:
            self._add_answer(event)
        elif kind == USER:
            self.messages += 1
            if not event.from_agent:
                self.user_messages += 1
            self.has_text = self.has_text or event.head is not None

    def _add_answer(self, event: StoredEvent) -> None:
        if event.head is not None:
            self.messages += 1
            # What a failed call shows is its error, which nobody said.
            self.has_text = self.has_text or not event.is_error
        self.model_calls += 1
        tokens = tokens_of(event)
        self.input_tokens = plus(self.input_tokens, event.input_tokens)
        self.output_tokens = plus(self.output_tokens, event.output_tokens)
        self.total_tokens = plus(self.total_tokens, tokens)
        self.reasoning_tokens = plus(self.reasoning_tokens, event.reasoning_tokens)
        self.cache_read_tokens = plus(self.cache_read_tokens, event.cache_read_tokens)
        self.cache_creation_tokens = plus(self.cache_creation_tokens, event.cache_creation_tokens)
        self.priced_calls += event.cost_nano is not None
        if event.provider:
            self.providers.add(event.provider)
        if event.model:
            counts = self.models.setdefault(event.model, [0, 0, 0, 0])
            counts[0] += 1
            counts[1] += event.is_error
            counts[2] += tokens or 0
            counts[3] += event.cost_nano or 0
        if event.latency_ms and event.latency_ms > 0:
            self.latencies.append(event.latency_ms)
            number = histogram.bin_of(event.latency_ms)
            self.bins[number] = self.bins.get(number, 0) + 1
        if event.ttfb_ms and event.ttfb_ms > 0:
            number = histogram.bin_of(event.ttfb_ms)
            self.ttfb_bins[number] = self.ttfb_bins.get(number, 0) + 1

    def columns(self) -> dict[str, Any]:
        """Return the session columns these sums fill."""
        latencies = sorted(self.latencies)
        last = len(latencies) - 1
        primary = max(self.models, key=lambda name: self.models[name][0], default=None)
        return {
            "primary_model": primary,
            "models": to_json(list(self.models)),
            "messages": self.messages,
            "user_messages": self.user_messages,
            "model_calls": self.model_calls,
            "tool_calls": self.tool_calls,
            "tool_errors": self.tool_errors,
            "errors": self.errors,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "total_tokens": self.total_tokens,
            "reasoning_tokens": self.reasoning_tokens,
            "cache_read_tokens": self.cache_read_tokens,
            "cache_creation_tokens": self.cache_creation_tokens,
            "cost_nano": self.cost_nano,
            "cost_estimated": int(self.cost_estimated),
            "priced_calls": self.priced_calls,
            "latency_avg_ms": sum(latencies) / len(latencies) if latencies else None,
            "latency_p50_ms": latencies[round(0.5 * last)] if latencies else None,
            "latency_p90_ms": latencies[round(0.9 * last)] if latencies else None,
            "latency_bins": histogram.pack(self.bins) or None,
            "has_text": int(self.has_text),
        }
