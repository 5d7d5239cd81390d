"""The Amplitude agent SDK with its server URL pointed at the receiver: two turns, a failing tool, a score."""

from __future__ import annotations

import os

from amplitude import Amplitude
from amplitude_ai import AIConfig, AmplitudeAI

client = Amplitude(os.environ["KEY"])
client.configuration.server_url = os.environ["RECEIVER"] + "/2/httpapi"
client.configuration.flush_interval_millis = 50
ai = AmplitudeAI(amplitude=client, config=AIConfig())
agent = ai.agent("billing", user_id="user-sdk", env="test")
with agent.session(session_id="sdk-1") as session:
    session.new_trace()
    session.track_user_message("Where is my parcel?")
    session.track_tool_call("find_order", latency_ms=120, success=False, error_message="timed out")
    session.track_ai_message("It arrives on Tuesday.", model="gpt-4o", provider="openai", latency_ms=800,
                             input_tokens=100, output_tokens=20)  # fmt: skip
    session.new_trace()
    message = session.track_user_message("Thanks, cancel it.")
    session.track_ai_message("Cancelled.", model="gpt-4o", provider="openai", latency_ms=400,
                             input_tokens=50, output_tokens=5)  # fmt: skip
    session.score("user-feedback", 1.0, target_id=message)
ai.flush()
client.shutdown()
