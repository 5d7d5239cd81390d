"""OpenInference instrumentation of the OpenAI client: a conversation of two questions and a call that fails."""

from __future__ import annotations

import os
from contextlib import suppress

import openai
from openinference.instrumentation import using_attributes
from openinference.instrumentation.openai import OpenAIInstrumentor

from tests.clients.programs.telemetry import provider

made = provider("inference")
OpenAIInstrumentor().instrument(tracer_provider=made)
client = openai.OpenAI(base_url=os.environ["MODEL_URL"], api_key="none", max_retries=0)
with using_attributes(session_id="oi-1", user_id="user-oi"):
    for question in ("Where is my parcel?", "And the other one?", "FAIL please"):
        with suppress(openai.RateLimitError):
            client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": question}])
made.shutdown()
