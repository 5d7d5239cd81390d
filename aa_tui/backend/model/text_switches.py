"""Why a session has no text: who keeps it back, and the switch that lets it through. Words only; found at ingest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

INSTRUMENTATION = "[Agent] Instrumentation"
"""Property of an event that came without its text: what made it, one of `SWITCHES`."""
WITHHELD_BY = "[Agent] Withheld By"
"""Property of an event whose text was withheld here: `project`. Absent where the sender did it."""
HERE = "project"
BY_MODE = "content_mode"
"""Withheld by the content mode that the sender says it has."""


class TextSwitch(NamedTuple):
    """Who keeps texts back, and what lets them through."""

    who: str
    switch: str
    """What to set, as it is typed."""
    where: str
    """Where it is set, and what else it needs."""

    @property
    def words(self) -> str:
        """Return all of it as one sentence."""
        return f"{self.who}: {self.switch} {self.where}"


_AGENT = "where the agent runs"
SWITCHES: Mapping[str, TextSwitch] = {
    HERE: TextSwitch("this project's content_mode", ":set content_mode full", "here; what comes from then on has text"),
    BY_MODE: TextSwitch("the Amplitude SDK's content mode", "AIConfig(content_mode=ContentMode.FULL)", _AGENT),
    "amplitude": TextSwitch("events without a message", '"$llm_message": {"text": …}', "in the event properties"),
    "otel-genai": TextSwitch(
        "OpenTelemetry's GenAI instrumentation",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true",
        f"{_AGENT} (SPAN_AND_EVENT in its latest versions); export the logs as well",
    ),
    "openinference": TextSwitch(
        "OpenInference", "OPENINFERENCE_HIDE_INPUTS=false OPENINFERENCE_HIDE_OUTPUTS=false", _AGENT
    ),
    "openllmetry": TextSwitch("OpenLLMetry", "TRACELOOP_TRACE_CONTENT=true", _AGENT),
    "openlit": TextSwitch("OpenLIT", "openlit.init(capture_message_content=True)", _AGENT),
    "litellm": TextSwitch(
        "LiteLLM", "litellm.turn_off_message_logging = False", f"{_AGENT}, or in the proxy's settings"
    ),
    "langsmith": TextSwitch("LangSmith", "LANGSMITH_HIDE_INPUTS=false LANGSMITH_HIDE_OUTPUTS=false", _AGENT),
    "vercel-ai": TextSwitch(
        "Vercel's AI SDK", "experimental_telemetry: { recordInputs: true, recordOutputs: true }", "in the call"
    ),
    "claude-code-telemetry": TextSwitch(
        "Claude Code's telemetry", "OTEL_LOG_USER_PROMPTS=1", f"{_AGENT}; answers are in its transcripts only"
    ),
}
"""By reason, as `withheld:REASON` filters them."""

PLACEHOLDERS = frozenset({"__REDACTED__", "redacted-by-litellm", "<REDACTED>"})
"""What instrumentations put where a text would stand."""
