"""A LangGraph agent under OpenInference's LangChain instrumentation: three chat messages of one thread."""

from __future__ import annotations

import os

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import MemorySaver
from langgraph.prebuilt import create_react_agent
from openinference.instrumentation.langchain import LangChainInstrumentor

from tests.clients.programs.telemetry import provider

made = provider("graph")
LangChainInstrumentor().instrument(tracer_provider=made)


@tool
def find_order(number: str) -> str:
    """Find an order."""
    return f"{number} is in transit"


model = ChatOpenAI(model="gpt-4o", base_url=os.environ["MODEL_URL"], api_key="none", max_retries=0)
agent = create_react_agent(model, [find_order], checkpointer=MemorySaver(), name="order-desk")
config = {"configurable": {"thread_id": "lg-1"}, "metadata": {"user_id": "user-lg"}}
for question in ("Where is order A-1?", "Is it late?", "Thank you"):
    agent.invoke({"messages": [("user", question)]}, config)
made.shutdown()
