"""Which attribute says what, dialect by dialect, and what kind of step a span is. Nothing is turned into events here.

The order inside each table is the order of trust: the first key that is present wins. Dialects: the GenAI conventions
and what Amplitude adds to them, OpenInference, OpenLLMetry, OpenLIT, LiteLLM, Vercel's AI SDK, LangSmith, Langfuse,
any-agent, and Google's and kagent's own keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from aa_tui.backend.sources.otel.messages import (
    Message,
    decode,
    finish_reason,
    from_numbered,
    merged,
    numbered,
    parse,
    says_something,
)
from aa_tui.backend.sources.otel.spans import Kind, Span
from aa_tui.backend.sources.values import encoded, items, mapping, number, text

_ASSOCIATED = "traceloop.association.properties."


class Keys(tuple[str, ...]):
    """Keys in the order of trust. A span has few attributes, so that most tables hold none of them: one look tells."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.known = frozenset(keys)


SESSION = Keys(
    (
        "gen_ai.conversation.id",
        "session.id",
        f"{_ASSOCIATED}session",
        f"{_ASSOCIATED}chat",
        f"{_ASSOCIATED}thread",
        f"{_ASSOCIATED}conversation",
        "gen_ai.session.id",
        "langsmith.metadata.thread_id",
        "langsmith.metadata.session_id",
        "langsmith.metadata.conversation_id",
        f"{_ASSOCIATED}session_id",
        f"{_ASSOCIATED}thread_id",
        f"{_ASSOCIATED}conversation_id",
        f"{_ASSOCIATED}chat_id",
        "langfuse.session.id",
        "ai.telemetry.metadata.sessionId",
        "ai.telemetry.metadata.threadId",
        "ai.telemetry.metadata.chatId",
        "gcp.vertex.agent.session_id",
    )
)
_METADATA_SESSION = ("thread_id", "session_id", "conversation_id")
_METADATA_USER = ("user_id", "userId")
"""In OpenInference's `metadata`, which carries what LangChain and LangGraph were configured with."""
RESOURCE_SESSION = Keys(("session.id", "gen_ai.conversation.id"))
USER = Keys(
    (
        "enduser.id",
        "gen_ai.request.user",
        "gen_ai.user",
        "user.id",
        f"{_ASSOCIATED}user_id",
        f"{_ASSOCIATED}user",
        "llm.user",
        "langsmith.metadata.user_id",
        "langfuse.user.id",
        "ai.telemetry.metadata.userId",
        "kagent.user_id",
    )
)
DEVICE = Keys(("amplitude.device_id",))
AGENT = Keys(("gen_ai.agent.id", "amplitude.agent.id", "gen_ai.agent.name", "agent.name"))
MODEL = Keys(
    (
        "gen_ai.response.model",
        "ai.response.model",
        "gen_ai.request.model",
        "llm.model_name",
        "embedding.model_name",
        "ai.model.id",
        "llm.response.model",
        "llm.request.model",
    )
)
PROVIDER = Keys(("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider"))
INPUT_TOKENS = Keys(
    (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.token_count.prompt",
        "ai.usage.inputTokens",
        "ai.usage.promptTokens",
        "ai.usage.tokens",
        "llm.usage.prompt_tokens",
    )
)
OUTPUT_TOKENS = Keys(
    (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.token_count.completion",
        "ai.usage.outputTokens",
        "ai.usage.completionTokens",
        "llm.usage.completion_tokens",
    )
)
TOTAL_TOKENS = Keys(
    ("gen_ai.usage.total_tokens", "llm.token_count.total", "llm.usage.total_tokens", "ai.usage.totalTokens")
)
CACHE_READ = Keys(
    (
        "gen_ai.usage.cache_read.input_tokens",
        "llm.token_count.prompt_details.cache_read",
        "gen_ai.usage.cache_read_input_tokens",
        "ai.usage.cachedInputTokens",
        "ai.usage.inputTokenDetails.cacheReadTokens",
    )
)
CACHE_CREATION = Keys(
    (
        "gen_ai.usage.cache_creation.input_tokens",
        "llm.token_count.prompt_details.cache_write",
        "gen_ai.usage.cache_creation_input_tokens",
        "ai.usage.inputTokenDetails.cacheWriteTokens",
    )
)
REASONING = Keys(
    (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
        "ai.usage.reasoningTokens",
        "ai.usage.outputTokenDetails.reasoningTokens",
    )
)
COST = Keys(("gen_ai.usage.cost", "gen_ai.cost.total_cost", "llm.cost.total"))
PART_COSTS = (
    ("gen_ai.usage.input_cost", "gen_ai.usage.output_cost"),
    ("gen_ai.cost.input_cost", "gen_ai.cost.output_cost"),
    ("llm.cost.prompt", "llm.cost.completion"),
)
_USAGE = frozenset(
    {*INPUT_TOKENS, *OUTPUT_TOKENS, *TOTAL_TOKENS, *CACHE_READ, *CACHE_CREATION, *REASONING, *COST}
    | {key for keys in PART_COSTS for key in keys}
)
FINISH = Keys(
    (
        "gen_ai.response.finish_reasons",
        "llm.finish_reason",
        "ai.response.finishReason",
        "gen_ai.response.finish_reason",
        "llm.response.finish_reason",
    )
)
REQUEST_ID = Keys(("gen_ai.response.id", "ai.response.id"))
TOOL_NAME = Keys(("gen_ai.tool.name", "tool.name", "ai.toolCall.name", "traceloop.entity.name"))
TOOL_INPUT = Keys(
    (
        "gen_ai.tool.call.arguments",
        "input.value",
        "traceloop.entity.input",
        "ai.toolCall.args",
        "gcp.vertex.agent.tool_call_args",
        "gen_ai.tool.args",
        "tool_arguments",
        "tool.parameters",
        "input",
        "gen_ai.prompt",
    )
)
TOOL_OUTPUT = Keys(
    (
        "gen_ai.tool.call.result",
        "output.value",
        "traceloop.entity.output",
        "ai.toolCall.result",
        "gcp.vertex.agent.tool_response",
        "gen_ai.output",
        "tool_response",
        "output",
        "gen_ai.completion",
    )
)
STEP_INPUT = Keys(
    (
        "input.value",
        "traceloop.entity.input",
        "gen_ai.input.messages",
        "ai.prompt",
        "ai.value",
        "input",
        "gen_ai.prompt",
    )
)
STEP_OUTPUT = Keys(
    (
        "output.value",
        "traceloop.entity.output",
        "gen_ai.output.messages",
        "gen_ai.output",
        "ai.response.text",
        "ai.response.object",
        "ai.response.toolCalls",
        "final_result",
        "output",
        "gen_ai.completion",
    )
)
TOOL_DEFINITIONS = Keys(("gen_ai.tool.definitions", "ai.prompt.tools"))
FIRST_TOKEN_SECONDS = Keys(
    (
        "gen_ai.server.time_to_first_token",
        "gen_ai.response.time_to_first_chunk",
        "llm.response.time_to_first_token",
    )
)
FIRST_TOKEN_MS = Keys(("ai.response.msToFirstChunk", "amplitude.ttfb_ms"))
PARAMETERS = {
    "gen_ai.request.temperature": "[Agent] Temperature",
    "gen_ai.request.max_tokens": "[Agent] Max Output Tokens",
    "gen_ai.request.top_p": "[Agent] Top P",
}
INVOCATION = {
    "temperature": "[Agent] Temperature",
    "max_tokens": "[Agent] Max Output Tokens",
    "max_completion_tokens": "[Agent] Max Output Tokens",
    "top_p": "[Agent] Top P",
}
TAGS = ("tag.tags", "langfuse.trace.tags", "langsmith.span.tags")
_TAGS = frozenset(TAGS)
DIMENSIONS = (_ASSOCIATED, "ai.telemetry.metadata.", "langsmith.metadata.", "langfuse.trace.metadata.")
"""Prefixes of attributes that are the sender's own dimensions."""
_NO_DIMENSION = ("ls_", "langgraph_", "LANGSMITH_", "LANGCHAIN_", "checkpoint_", "__", "revision_id", "resume")
"""Technical keys of LangChain; and a command to resume a session must never come from a sender."""

_OPERATIONS = {
    "chat": Kind.MODEL,
    "text_completion": Kind.MODEL,
    "generate_content": Kind.MODEL,
    "completion": Kind.MODEL,
    "call_llm": Kind.MODEL,
    "responses": Kind.MODEL,
    "embeddings": Kind.EMBEDDING,
    "embedding": Kind.EMBEDDING,
    "execute_tool": Kind.TOOL,
}
_OPENINFERENCE = {"LLM": Kind.MODEL, "EMBEDDING": Kind.EMBEDDING, "TOOL": Kind.TOOL}
_LANGSMITH = {"llm": Kind.MODEL, "embedding": Kind.EMBEDDING, "tool": Kind.TOOL}
_AMPLITUDE = {
    "user_message": Kind.USER_MESSAGE,
    "ai_response": Kind.MODEL,
    "tool_call": Kind.TOOL,
    "span": Kind.STEP,
    "embedding": Kind.EMBEDDING,
    "session_end": Kind.SESSION_END,
}
_REQUESTS = {"chat": Kind.MODEL, "completion": Kind.MODEL, "embedding": Kind.EMBEDDING, "rerank": Kind.STEP}
_FAMILIES = (
    "gen_ai.",
    "llm.",
    "amplitude.",
    "ai.",
    "traceloop.",
    "openinference.",
    "gcp.vertex.agent.",
    "langsmith.",
    "retrieval.",
    "reranker.",
    "embedding.",
    "tool.",
)
_CARRIED = frozenset(
    {
        *SESSION,
        *USER,
        *AGENT,
        "gen_ai.task.id",
        "gen_ai.agent.description",
        "amplitude.env",
        "llm.headers",
        "traceloop.workflow.name",
        "traceloop.entity.path",
        "gen_ai.user.id",
        "langsmith.trace.id",
    }
)
"""Keys that frameworks copy to every span of a request; they alone make no span one of an agent."""
_REPEATED_NAMES = frozenset({"raw_gen_ai_request"})
_MODEL_EVIDENCE = frozenset({*INPUT_TOKENS, *OUTPUT_TOKENS, *FINISH, "gcp.vertex.agent.llm_request"})


def first(attributes: Mapping[str, Any], keys: Iterable[str]) -> Any:
    """Return the value of the first key that is present and neither None nor an empty text, else None."""
    if type(keys) is Keys and attributes.keys().isdisjoint(keys.known):
        return None
    for key in keys:
        value = attributes.get(key)
        if value is not None and value != "":
            return value
    return None


def name_of(attributes: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    """Return the first present value as a name; numbers become text, objects are passed over."""
    if type(keys) is Keys and attributes.keys().isdisjoint(keys.known):
        return None
    for key in keys:
        value = attributes.get(key)
        if value is None:
            continue
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None


def session_of(attributes: Mapping[str, Any]) -> str | None:
    """Return the session that a span names, in an attribute of its own or in its metadata."""
    return name_of(attributes, SESSION) or _of_metadata(attributes, _METADATA_SESSION)


def user_of(attributes: Mapping[str, Any]) -> str | None:
    """Return the user that a span names, in an attribute of its own or in its metadata."""
    return name_of(attributes, USER) or _of_metadata(attributes, _METADATA_USER)


def _of_metadata(attributes: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    given = attributes.get("metadata")
    return None if given is None else name_of(mapping(decode(given)), keys)


def has_usage(attributes: Mapping[str, Any]) -> bool:
    """Tell whether a span may say anything of tokens or money."""
    return not _USAGE.isdisjoint(attributes)


def count_of(attributes: Mapping[str, Any], keys: Iterable[str]) -> int | None:
    """Return the first present count of tokens; texts of digits count, negative numbers do not."""
    if type(keys) is Keys and attributes.keys().isdisjoint(keys.known):
        return None
    for key in keys:
        value = attributes.get(key)
        if value is None:
            continue
        if isinstance(value, str) and value.isdecimal() and len(value) < 16:
            return int(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**53:
            return int(value)
    return None


def real_of(attributes: Mapping[str, Any], keys: Iterable[str]) -> float | None:
    """Return the first present finite number, also of a text that holds one."""
    if type(keys) is Keys and attributes.keys().isdisjoint(keys.known):
        return None
    for key in keys:
        value = attributes.get(key)
        if value is None:
            continue
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                continue
        if (found := number(value)) is not None:
            return found
    return None


def cost_usd(attributes: Mapping[str, Any]) -> float | None:
    """Return the cost that a span states in US dollars, or the sum of the parts it states; None when it states none.

    Exactly zero means that nobody knew the price.
    """
    total = real_of(attributes, COST)
    if total is None:
        for keys in PART_COSTS:
            parts = [found for key in keys if (found := real_of(attributes, (key,))) is not None]
            if parts:
                total = sum(parts)
                break
    return total if total is not None and total > 0 else None


def kind_of(span: Span) -> Kind:
    """Return what a span is by its dialect."""
    if span.kind is not None:
        return span.kind
    attributes = span.attributes
    if not attributes:
        return Kind.PLAIN
    if "amplitude.sdk.emitted" in attributes:
        return Kind.REPEATED
    asked = _AMPLITUDE.get(str(attributes.get("amplitude.event.type")))
    if asked is not None:
        return asked
    if span.name in _REPEATED_NAMES:
        return Kind.REPEATED
    return _by_dialect(span, attributes)


def _by_dialect(span: Span, attributes: dict[str, Any]) -> Kind:
    named = text(attributes.get("openinference.span.kind"))
    if named is not None:
        return _OPENINFERENCE.get(named.upper(), Kind.STEP)
    operation = text(attributes.get("gen_ai.operation.name"))
    if operation is not None:
        return _OPERATIONS.get(operation.lower(), Kind.STEP)
    named = text(attributes.get("traceloop.span.kind"))
    if named is not None:
        return Kind.TOOL if named == "tool" else Kind.STEP
    named = text(attributes.get("ai.operationId"))
    if named is not None:
        if named == "ai.toolCall":
            return Kind.TOOL
        inner = named.rpartition(".")[2]
        return (Kind.EMBEDDING if "mbed" in inner else Kind.MODEL) if inner.startswith("do") else Kind.STEP
    named = text(attributes.get("langsmith.span.kind"))
    if named is not None:
        return _LANGSMITH.get(named.lower(), Kind.STEP)
    named = text(attributes.get("llm.request.type"))
    if named is not None and named in _REQUESTS:
        return _REQUESTS[named]
    telling = [key for key in attributes if key.startswith(_FAMILIES) and key not in _CARRIED]
    if not telling:
        return Kind.PLAIN
    if "gen_ai.tool.name" in attributes or "tool.name" in attributes:
        return Kind.TOOL
    if name_of(attributes, MODEL) is not None and not _MODEL_EVIDENCE.isdisjoint(telling):
        return Kind.MODEL
    if all(key.startswith(DIMENSIONS) for key in telling):
        return Kind.PLAIN
    return Kind.STEP


_SCOPES = (
    ("openinference", "openinference"),
    ("litellm", "litellm"),
    ("openlit", "openlit"),
    ("langsmith", "langsmith"),
)
"""Beginnings of the names of instrumentation libraries."""
_MARKS = (
    ("openinference.", "openinference"),
    ("litellm.", "litellm"),
    ("langsmith.", "langsmith"),
    ("ai.", "vercel-ai"),
    ("traceloop.", "openllmetry"),
)
"""Attributes that only one of them writes."""
_OPENLLMETRY = "opentelemetry.instrumentation."
_CONVENTIONS = "otel-genai"


def instrumentation_of(span: Span) -> str:
    """Return what made a span, by the library's name and by what only it writes: a key of `text_switches.SWITCHES`."""
    for beginning, name in _SCOPES:
        if span.scope.startswith(beginning):
            return name
    if span.resource.get("telemetry.sdk.name") == "openlit":
        return "openlit"
    for beginning, name in _MARKS:
        if any(key.startswith(beginning) for key in span.attributes):
            return name
    # Its libraries have the same beginning as those of the conventions and another end.
    library = span.scope.removeprefix(_OPENLLMETRY)
    if library != span.scope and (library.endswith(".v1") or "llm.request.type" in span.attributes):
        return "openllmetry"
    return _CONVENTIONS


# --- messages --------------------------------------------------------------------------------------------------------


def input_messages(attributes: Mapping[str, Any]) -> list[Message]:
    """Return the messages a model was given, by the first dialect that has them; empty when withheld."""
    for key in ("gen_ai.input.messages", "ai.prompt.messages", "ai.prompt"):
        if found := parse(attributes.get(key), "user"):
            return found
    for prefix in ("llm.input_messages.", "gen_ai.prompt."):
        if found := _numbered(attributes, prefix, "user"):
            return found
    if found := parse(attributes.get("gcp.vertex.agent.llm_request"), "user"):
        return found
    if "llm.prompts" in attributes:
        return parse(attributes["llm.prompts"], "user")
    for key in ("input.value", "gen_ai.prompt", "traceloop.entity.input", "input"):
        if found := parse(attributes.get(key), "user"):
            return found
    return []


def output_messages(attributes: Mapping[str, Any]) -> list[Message]:
    """Return the messages a model answered with, by the first dialect that has them; empty when withheld."""
    found = parse(attributes.get("gen_ai.output.messages"), "assistant")
    if says_something(found):
        return found
    for prefix in ("llm.output_messages.", "gen_ai.completion."):
        found = merged(found, _numbered(attributes, prefix, "assistant"))
    if says_something(found):
        return found
    said = text(attributes.get("ai.response.text")) or text(attributes.get("ai.response.object"))
    asked = parse(attributes.get("ai.response.toolCalls"), "assistant")
    if said or asked:
        message = Message("assistant", said, asked[-1].calls if asked else [])
        message.reasoning = text(attributes.get("ai.response.reasoning"))
        return [message]
    for key in (
        "gcp.vertex.agent.llm_response",
        "output.value",
        "gen_ai.completion",
        "gen_ai.output",
        "traceloop.entity.output",
        "output",
    ):
        more = parse(attributes.get(key), "assistant")
        if not more and key == "gen_ai.output" and attributes.get(key):
            # A structured answer: the object is what was said.
            more = [Message("assistant", encoded(attributes[key]))]
        if more:
            return merged(found, more)
    return found


def _numbered(attributes: Mapping[str, Any], prefix: str, role: str) -> list[Message]:
    size = len(prefix)
    own = [(key[size:], value) for key, value in attributes.items() if key.startswith(prefix)]
    return [from_numbered(one, role) for one in numbered(own)] if own else []


def system_prompt(attributes: Mapping[str, Any], given: list[Message]) -> str | None:
    """Return the system prompt: what the conventions call instructions, else the first system message."""
    instructions = parse(attributes.get("gen_ai.system_instructions"), "system")
    if instructions and (said := "\n".join(one.text for one in instructions if one.text)):
        return said
    return next((message.text for message in given if message.role == "system" and message.text), None)


def tool_definitions(attributes: Mapping[str, Any]) -> str | None:
    """Return the definitions of the tools a model was offered as JSON text."""
    found = first(attributes, TOOL_DEFINITIONS)
    if found is not None:
        if isinstance(found, list):
            found = [decode(one) for one in found]
        return encoded(found)
    size = len("llm.tools.")
    schemas = numbered((key[size:], value) for key, value in attributes.items() if key.startswith("llm.tools."))
    if schemas:
        return encoded([decode(one.get("tool.json_schema")) for one in schemas])
    size = len("llm.request.functions.")
    functions = numbered(
        (key[size:], value) for key, value in attributes.items() if key.startswith("llm.request.functions.")
    )
    if functions:
        return encoded([{key: decode(value) for key, value in one.items()} for one in functions])
    return None


def finish_of(attributes: Mapping[str, Any], answer: Message | None) -> str | None:
    """Return why the model stopped."""
    stated = finish_reason(first(attributes, FINISH))
    told = answer.finish if answer is not None else None
    if stated is None or (stated == "stop" and told == "tool_calls"):
        return told or stated
    if stated == "stop" and answer is not None and answer.calls and not answer.text:
        return "tool_calls"
    return stated


def dimensions(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return the sender's own dimensions of a span: scalars of its metadata, without what says who and which chat."""
    found: dict[str, str] = {}
    given = attributes.get("metadata")
    if given is not None:
        for key, value in mapping(decode(given)).items():
            _add_dimension(found, key, value)
    for key, value in attributes.items():
        if key.startswith(DIMENSIONS) and key not in _CARRIED:
            prefix = next(prefix for prefix in DIMENSIONS if key.startswith(prefix))
            _add_dimension(found, key[len(prefix) :], value)
    return found


def _add_dimension(found: dict[str, str], key: str, value: Any) -> None:
    if not key or key.startswith(_NO_DIMENSION) or isinstance(value, dict | list) or value is None or value == "":
        return
    found[key] = value if isinstance(value, str) else encoded(value) or ""


def tags_of(attributes: Mapping[str, Any]) -> list[str]:
    """Return the tags of a span."""
    found: list[str] = []
    if _TAGS.isdisjoint(attributes):
        return found
    for key in TAGS:
        value = decode(attributes.get(key))
        if isinstance(value, str):
            found += [tag.strip() for tag in value.split(",") if tag.strip()]
        found += [tag for tag in items(value) if isinstance(tag, str) and tag]
    return found


_SPOKEN = (
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.prompt",
    "gen_ai.completion",
    "gen_ai.system_instructions",
    "gen_ai.tool.definitions",
    "gen_ai.output",
    "llm.input_messages.",
    "llm.output_messages.",
    "llm.tools.",
    "llm.request.functions.",
    "llm.prompts",
    "llm.openai.",
    "input.value",
    "output.value",
    "input.mime_type",
    "output.mime_type",
    "ai.prompt",
    "ai.response.",
    "ai.embedding",
    "ai.value",
    "embedding.embeddings.",
    "metadata",
    "tag.tags",
    "traceloop.entity.input",
    "traceloop.entity.output",
    "gcp.vertex.agent.llm_",
    "gcp.vertex.agent.tool_",
    "gen_ai.tool.call.",
    "gen_ai.tool.args",
    "tool_arguments",
    "tool_response",
    "final_result",
    "error.",
    "exception.",
    "gen_ai.usage.",
    "gen_ai.cost.",
    "llm.token_count.",
    "llm.cost.",
    "ai.usage.",
    "llm.invocation_parameters",
    "hidden_params",
    "all_messages_events",
    "pydantic_ai.all_messages",
)
_NOT_LEFT = _SPOKEN + DIMENSIONS
_TAKEN = frozenset(
    {
        *SESSION,
        *USER,
        *DEVICE,
        *AGENT,
        *MODEL,
        *PROVIDER,
        *FINISH,
        *REQUEST_ID,
        *PARAMETERS,
        *TAGS,
        "amplitude.env",
        "amplitude.latency_ms",
        "openinference.span.kind",
        "traceloop.span.kind",
        "gen_ai.operation.name",
        "ai.operationId",
        "operation.name",
        "langsmith.span.kind",
        "llm.request.type",
        "gen_ai.tool.name",
        "tool.name",
        "input",
        "output",
        "otel.scope.version",
    }
)


def leftovers(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that no field of an event holds, by their own keys; messages and usage are not repeated."""
    return {
        key: value
        for key, value in attributes.items()
        if (_is_left(key) if len(key) <= _LONGEST_CACHED else _is_left.__wrapped__(key)) and value not in ("", None)
    }


@lru_cache(maxsize=4096)
def _is_left(key: str) -> bool:
    return key not in _TAKEN and not key.startswith(_NOT_LEFT)


_LONGEST_CACHED = 200
"""Longer keys are looked at each time, so that nobody can fill the memory with them."""
