"""A LangGraph agent traced by LangSmith's own OpenTelemetry export: three chat messages of one thread."""

from __future__ import annotations

import os

os.environ["LANGSMITH_TRACING"] = "true"
os.environ["LANGSMITH_OTEL_ENABLED"] = "true"
os.environ["LANGSMITH_OTEL_ONLY"] = "true"
os.environ["LANGSMITH_API_KEY"] = "none"
os.environ["LANGSMITH_ENDPOINT"] = "http://127.0.0.1:9"

from langchain_core.tools import tool
from langchain_core.tracers.langchain import wait_for_all_tracers
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import MemorySaver
from langgraph.prebuilt import create_react_agent

from tests.clients.programs.telemetry import provider

made = provider("graph")


@tool
def find_order(number: str) -> str:
    """Find an order."""
    return f"{number} is in transit"


model = ChatOpenAI(model="gpt-4o", base_url=os.environ["MODEL_URL"], api_key="none", max_retries=0)
agent = create_react_agent(model, [find_order], checkpointer=MemorySaver(), name="order-desk")
config = {"configurable": {"thread_id": "ls-1"}, "metadata": {"user_id": "user-ls"}}
for question in ("Where is order A-1?", "Is it late?", "Thank you"):
    agent.invoke({"messages": [("user", question)]}, config)

wait_for_all_tracers()
made.shutdown()
