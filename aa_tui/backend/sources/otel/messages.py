"""Chat messages in the shapes that model libraries write them, as one neutral list. No spans and no events here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aa_tui.backend.sources.values import encoded, items, mapping, text

_ROLES = {
    "human": "user",
    "humanmessage": "user",
    "humanmessagechunk": "user",
    "ai": "assistant",
    "aimessage": "assistant",
    "aimessagechunk": "assistant",
    "model": "assistant",
    "developer": "system",
    "systemmessage": "system",
    "function": "tool",
    "toolmessage": "tool",
    "toolmessagechunk": "tool",
    "functionmessage": "tool",
}
_CALL_BLOCKS = frozenset({"tool_call", "tool_use", "tool-call", "function_call", "server_tool_use"})
_RESULT_BLOCKS = frozenset(
    {"tool_call_response", "tool_result", "tool-result", "function_call_output", "function_response"}
)
_THOUGHT_BLOCKS = frozenset({"reasoning", "thinking", "redacted_thinking"})
_TOOL_FINISH = frozenset({"tool_call", "tool-calls", "tool_calls", "function_call", "toolUse"})
_DEEPEST = 8


@dataclass(slots=True)
class Message:
    """One message of a model's input or output."""

    role: str
    """`system`, `user`, `assistant`, `tool`, or what the source calls it."""
    text: str | None = None
    calls: list[dict[str, Any]] = field(default_factory=list)
    """Tools asked for: `{id, name, arguments}`."""
    reasoning: str | None = None
    is_result: bool = False
    """It brings the result of a tool."""
    finish: str | None = None


def finish_reason(value: Any) -> str | None:
    """Return a finish reason; the many words for "asks for tools" become `tool_calls`, lists give their first."""
    if isinstance(value, str) and value.startswith("["):
        value = decode(value)
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("finish_reason")
    found = text(value)
    return "tool_calls" if found in _TOOL_FINISH else found


def decode(value: Any) -> Any:
    """Return what a text holds as JSON, also when it was encoded twice; any other text and value as it is."""
    for _ in range(3):
        if not isinstance(value, str):
            return value
        start = value.lstrip()[:1]
        if start not in ("{", "[", '"'):
            return value
        try:
            value = json.loads(value, strict=False)
        except (ValueError, RecursionError):
            return value
    return value


def parse(value: Any, role: str) -> list[Message]:
    """Return the messages in a value of any known shape; a plain text is one message of `role`.

    Objects of no known shape give no messages.
    """
    if value is None or value == "":
        return []
    try:
        return _parse(decode(value), role, 0)
    except RecursionError:
        return []


def _parse(value: Any, role: str, depth: int) -> list[Message]:
    if isinstance(value, str):
        return [Message(role, value)] if value else []
    if depth > _DEEPEST:
        return []
    if isinstance(value, list):
        return _list(value, role, depth)
    return _object(value, role, depth) if isinstance(value, dict) else []


def _list(value: list[Any], role: str, depth: int) -> list[Message]:
    first = value[0] if value else None
    if isinstance(first, list):
        return [message for one in value for message in _parse(one, role, depth + 1)]
    if not isinstance(first, dict):
        said = "\n".join(one for one in value if isinstance(one, str))
        return [Message(role, said)] if said else []
    if not any(name in first for name in ("role", "message", "kwargs", "data", "lc")) and (
        "type" not in first or text(first.get("type")) in _CALL_BLOCKS or "text" in first
    ):
        if text(first.get("type")) in _ROLES:
            return [message for one in value for message in _parse(one, role, depth + 1)]
        found = Message(role)
        _fill(found, value)
        return [found] if found.text or found.calls or found.reasoning or found.is_result else []
    messages: list[Message] = []
    for one in value:
        messages += _parse(decode(one), role, depth + 1)
    return messages


def _object(value: dict[str, Any], role: str, depth: int) -> list[Message]:
    if isinstance(value.get("messages"), list | str):
        system = parse(value.get("system"), "system") if text(value.get("system")) else []
        return system + _parse(decode(value["messages"]), role, depth + 1)
    if isinstance(value.get("contents"), list):
        instruction = mapping(value.get("config")).get("system_instruction")
        system = parse(instruction, "system") if instruction else []
        return system + _parse(value["contents"], role, depth + 1)
    for name in ("choices", "candidates"):
        if choices := items(value.get(name)):
            return _choice(mapping(choices[0]), depth)
    if items(value.get("generations")):
        return _parse(value["generations"], "assistant", depth + 1)
    if "lc" in value and isinstance(value.get("kwargs"), dict):
        path = items(value.get("id"))
        return _parse({"type": path[-1] if path else "", **value["kwargs"]}, role, depth + 1)
    if isinstance(value.get("message"), dict):
        return _choice(value, depth)
    if isinstance(value.get("data"), dict) and "content" in value["data"]:
        return _parse({**value["data"], "type": value.get("type")}, role, depth + 1)
    if isinstance(value.get("new_message"), dict):
        return _parse(value["new_message"], "user", depth + 1)
    if value.get("object") == "response" or _is_responses_output(value.get("output")):
        return _responses(items(value.get("output")))
    content = value.get("content")
    if isinstance(content, dict) and "parts" in content:
        message = _message(content, role)
        message.finish = finish_reason(value.get("finish_reason"))
        return [message]
    if _role(value) is not None or "parts" in value or ("content" in value and role != "user"):
        return [_message(value, role)]
    if "text" in value and isinstance(value["text"], str):
        return [Message(role, value["text"] or None, finish=finish_reason(value.get("finish_reason")))]
    if isinstance(value.get("prompt"), str | list):
        system = parse(value.get("system"), "system") if text(value.get("system")) else []
        return system + _parse(value["prompt"], "user", depth + 1)
    if isinstance(value.get("input"), str | list):
        return _parse(value["input"], role, depth + 1)
    if isinstance(value.get("output"), str):
        return [Message(role, value["output"] or None)]
    if len(items(value.get("args"))) == 1 and isinstance(value["args"][0], str):
        return [Message(role, value["args"][0] or None)]
    return []


def _is_responses_output(value: Any) -> bool:
    kinds = {mapping(one).get("type") for one in items(value)}
    return bool(kinds) and kinds <= {"message", "function_call", "reasoning", "web_search_call", "custom_tool_call"}


def _responses(output: list[Any]) -> list[Message]:
    found = Message("assistant")
    for one in output:
        item = mapping(one)
        if item.get("type") == "message":
            _fill(found, item.get("content"))
        elif item.get("type") == "reasoning":
            _add_reasoning(found, item.get("summary") or item.get("content"))
        else:
            _fill(found, [item])
    return [found]


def _choice(choice: dict[str, Any], depth: int) -> list[Message]:
    messages = _parse(choice.get("message") or choice.get("content") or choice.get("text"), "assistant", depth + 1)
    if messages:
        messages[-1].finish = finish_reason(choice.get("finish_reason") or choice.get("finishReason"))
    return messages


def _role(value: Mapping[str, Any]) -> str | None:
    named = text(value.get("role"))
    if named is None:
        named = text(value.get("type"))
        if named is None or named.lower() not in _ROLES | {"system": "", "tool": "", "user": "", "assistant": ""}:
            return None
    lowered = named.lower()
    return _ROLES.get(lowered, lowered)


def _message(value: Mapping[str, Any], role: str) -> Message:
    found = Message(_role(value) or role)
    found.finish = finish_reason(value.get("finish_reason"))
    content = value.get("parts") if value.get("parts") is not None else value.get("content")
    if isinstance(content, dict) and "parts" in content:
        content = content["parts"]
    if isinstance(content, str) and found.role != "tool":
        inner = decode(content)
        if isinstance(inner, list) and inner and all(isinstance(one, dict) and "type" in one for one in inner):
            content = inner
    if found.role == "tool":
        found.is_result = True
    _fill(found, content)
    extra = mapping(value.get("additional_kwargs"))
    for call in items(value.get("tool_calls")) or items(extra.get("tool_calls")):
        _add_call(found, mapping(call))
    for name in ("function_call", "functionCall"):
        if isinstance(value.get(name), dict):
            _add_call(found, value[name])
    _add_reasoning(found, value.get("reasoning_content") or value.get("reasoning"))
    return found


def _fill(found: Message, content: Any) -> None:
    """Add the text, calls and thoughts of message content to a message."""
    if isinstance(content, str):
        found.text = content or found.text
        return
    pieces = [found.text] if found.text else []
    for block in [content] if isinstance(content, dict) else items(content):
        if isinstance(block, str):
            pieces.append(block)
            continue
        if not isinstance(block, dict):
            continue
        kind = text(block.get("type"))
        if kind in _RESULT_BLOCKS or any(name in block for name in ("function_response", "functionResponse")):
            found.is_result = True
        elif kind in _THOUGHT_BLOCKS:
            _add_reasoning(
                found,
                next((block[key] for key in ("content", "text", "thinking", "reasoning") if block.get(key)), None),
            )
        elif (
            kind in _CALL_BLOCKS
            or "toolName" in block
            or "tool.name" in block
            or isinstance(block.get("function"), dict)
        ):
            _add_call(found, block)
        elif isinstance(block.get("function_call") or block.get("functionCall"), dict):
            _add_call(found, block.get("function_call") or block["functionCall"])
        else:
            said = block.get("text") if isinstance(block.get("text"), str) else block.get("content")
            if isinstance(said, str):
                pieces.append(said)
            elif kind not in (None, "text"):
                pieces.append(f"[{kind}]")
    found.text = "\n".join(pieces) or None


def _add_call(found: Message, call: dict[str, Any]) -> None:
    function = mapping(call.get("function"))
    name = next(
        (
            named
            for named in (
                call.get("name"),
                function.get("name"),
                call.get("toolName"),
                call.get("tool.name"),
                call.get("function"),
            )
            if text(named)
        ),
        None,
    )
    given = next(
        (
            source[key]
            for source, key in (
                (call, "arguments"),
                (function, "arguments"),
                (call, "args"),
                (call, "input"),
                (call, "tool.args"),
            )
            if source.get(key) is not None
        ),
        None,
    )
    one = {
        "id": text(call.get("id")) or text(call.get("call_id")) or text(call.get("toolCallId")),
        "name": name,
        "arguments": given,
    }
    if name is not None:
        found.calls.append({key: value for key, value in one.items() if value is not None})


def _add_reasoning(found: Message, value: Any) -> None:
    said = value if isinstance(value, str) else None
    if said is None and isinstance(value, list):
        pieces = [piece for one in value if (piece := one if isinstance(one, str) else mapping(one).get("text"))]
        said = "\n".join(piece for piece in pieces if isinstance(piece, str))
    if said:
        found.reasoning = said if found.reasoning is None else f"{found.reasoning}\n{said}"


# --- messages spread over numbered attributes ------------------------------------------------------------------------

_INDEXED = re.compile(r"(\d{1,6})\.(.+)\Z", re.DOTALL)


def numbered(attributes: Iterable[tuple[str, Any]]) -> list[dict[str, Any]]:
    """Return the objects of keys such as `3.role` and `0.tool_calls.1.name`, in the order of their numbers."""
    found: dict[int, dict[str, Any]] = {}
    for key, value in attributes:
        match = _INDEXED.match(key)
        if match is not None:
            found.setdefault(int(match.group(1)), {})[match.group(2)] = value
    return [found[index] for index in sorted(found)]


def from_numbered(one: Mapping[str, Any], role: str) -> Message:
    """Return the message of one object of `numbered`, in the OpenInference or the OpenLLMetry spelling."""
    flat = {key.removeprefix("message."): value for key, value in one.items()}
    found = Message(_ROLES.get(str(flat.get("role")).lower(), text(flat.get("role")) or role))
    found.finish = finish_reason(flat.get("finish_reason"))
    content = flat.get("content")
    if content is not None:
        found = _message({"role": found.role, "content": content, "finish_reason": found.finish}, role)
    blocks = numbered(
        (key.removeprefix("contents."), value) for key, value in flat.items() if key.startswith("contents.")
    )
    if blocks:
        _fill(
            found, [{key.removeprefix("message_content."): value for key, value in block.items()} for block in blocks]
        )
    calls = numbered(
        (key.removeprefix("tool_calls."), value) for key, value in flat.items() if key.startswith("tool_calls.")
    )
    for call in calls:
        plain = {key.removeprefix("tool_call.").removeprefix("function."): value for key, value in call.items()}
        _add_call(found, plain)
    name = text(flat.get("function_call.name")) or text(flat.get("function_call_name"))
    if name is not None:
        given = flat.get("function_call.arguments", flat.get("function_call_arguments_json"))
        _add_call(found, {"name": name, "arguments": given})
    _add_reasoning(found, flat.get("reasoning"))
    found.is_result = found.is_result or found.role == "tool" or "tool_call_id" in flat
    return found


def merged(first: list[Message], second: list[Message]) -> list[Message]:
    """Return the fuller of two accounts of one output: the first, with what only the second knows of its last."""
    if not first or not second:
        return first or second
    last, other = first[-1], second[-1]
    last.text = last.text or other.text
    last.calls = last.calls or other.calls
    last.reasoning = last.reasoning or other.reasoning
    last.finish = last.finish or other.finish
    return first


def says_something(messages: list[Message]) -> bool:
    """Tell whether any of the messages has a text or asks for a tool."""
    return any(message.text or message.calls for message in messages)


def combined(messages: list[Message]) -> Message | None:
    """Return one message of an output that came as several: a reply in pieces, or one message per tool asked for."""
    if len(messages) < 2:
        return messages[0] if messages else None
    found = Message(messages[-1].role)
    found.text = "\n".join(message.text for message in messages if message.text) or None
    found.calls = [call for message in messages for call in message.calls]
    found.reasoning = "\n".join(message.reasoning for message in messages if message.reasoning) or None
    found.finish = next((message.finish for message in reversed(messages) if message.finish), None)
    return found


def shown_calls(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return tool calls with their arguments as text."""
    return [{**call, "arguments": encoded(call["arguments"])} if "arguments" in call else call for call in calls]
