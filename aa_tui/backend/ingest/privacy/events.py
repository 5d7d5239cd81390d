"""Taking out of events and outcomes what a content mode withholds, and redacting the rest. Pure; spans are beside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

from aa_tui.backend.ingest.errors import error_type_of
from aa_tui.backend.ingest.privacy.rules import CONTENT_MODE, ContentMode, PrivacyRules, mode_of, stricter
from aa_tui.backend.model.event import AgentEvent, EventKind, ImportedLabel, ImportedResult, Part
from aa_tui.backend.model.text_switches import HERE, WITHHELD_BY

WITHHELD = "[Agent] Withheld"
"""Property that keeps the lengths, in characters, of the texts that were taken out, by part."""
PROMPT_LENGTH = "[Agent] System Prompt Length"
DEFINITIONS_COUNT = "[Agent] Tool Definitions Count"
DEFINITIONS_HASH = "[Agent] Tool Definitions Hash"
HAS_REASONING = "[Agent] Has Reasoning"
ENRICHMENTS = "[Agent] Enrichments"

_LABEL_CHARS = 120
"""Longest label, category or name of a sender's conclusion that is kept; longer ones are prose."""
_ID_CHARS = 200

_KEPT = frozenset(
    f"[Agent] {name}"
    for name in (
        "Message ID", "Invocation ID", "Span ID", "Parent Message ID", "Parent Span ID", "Parent Agent ID", "Agent ID",
        "Agent Name", "Session ID", "Trace ID", "Turn ID", "Edited Message ID", "Target ID", "Prompt ID",
        "Provider Request ID", "Customer Org ID", "Component Type", "Message Source", "Span Kind", "Model Name",
        "Model", "Provider", "Model Tier", "Tool Type", "Tool Owner", "Tool Name", "Span Name", "Score Name",
        "Error Type", "Error Source", "Finish Reason", "Evaluation Source", "Target Type", "SDK Version", "Runtime",
        "Agent Version", "Agent Description", "Env", "Locale", "Git SHA", "Git Ref", "Git Repo", "Ingestion Path",
        "Source", "Content Mode", "Tool Definitions Hash", "Tool Definitions Count", "Taxonomy Version",
        "Evaluated At", "Evaluator Model", "Score Label", "Request Complexity", "Task Failure Type", "Agent Chain",
        "Root Agent Name", "Attachment Types", "Tags", "Experiment", "Experiment Variant", "Withheld By",
        "Instrumentation",
    )
) | {"[Amplitude] Session Replay ID", "$groups", "$session_id", "subagent_type", "namespace", "direction"}  # fmt: skip
"""Properties whose texts are names, kinds and versions, never what was said."""
_CONTENT = frozenset(
    {
        "$llm_message", "[Agent] Tool Input", "[Agent] Tool Output", "[Agent] Input State", "[Agent] Output State",
        "[Agent] Reasoning Content", "[Agent] System Prompt", "[Agent] Tool Definitions", "[Agent] Error Message",
        "[Agent] Stack Trace", "[Agent] Comment", "[Agent] Tool Calls", "[Agent] Task Failure Reason",
    }
)  # fmt: skip
"""Properties that hold what was said, whatever event carries them."""
_LABELS = ("[Agent] Message Labels", "[Agent] Message Label Map")
_ATTACHMENT_FIELDS = ("type", "size_bytes", "mime_type")
_CONCLUSIONS = frozenset(
    {
        "schema_version", "topic_classifications", "overall_outcome", "has_task_failure", "has_negative_feedback",
        "has_data_quality_issues", "has_technical_failure", "quality_score", "sentiment_score", "task_failure_type",
        "error_categories", "user_friction", "data_quality_issues", "technical_error_count", "agent_chain",
        "root_agent_name", "request_complexity", "message_labels",
    }
)  # fmt: skip
_SAID_IN_CONTEXT = ("title",)
"""Keys of the context that an agent or a model wrote from what was said."""


def effective_mode(event: AgentEvent, rules: PrivacyRules) -> ContentMode:
    """Return the stricter of what the sender says of an event and what the project says."""
    said = event.properties.get(CONTENT_MODE)
    return rules.mode if said is None else stricter(rules.mode, mode_of(said))


def apply(event: AgentEvent, rules: PrivacyRules) -> AgentEvent:
    """Return an event with what its content mode withholds taken out, then redacted.

    The stricter of the sender's `[Agent] Content Mode` and the project's wins. The event given stays as it is; the same
    object comes back when nothing changes. Applying it again changes nothing. Product events and user properties are
    no content of a session: modes leave them alone, redaction does not.
    """
    mode = effective_mode(event, rules)
    if mode.withholds:
        event = _withhold(event, mode)
    return _redact(event, rules) if rules.redacts else event


# --- content modes -------------------------------------------------------------------------------------------------


def _withhold(event: AgentEvent, mode: ContentMode) -> AgentEvent:
    if event.kind in (EventKind.PRODUCT, EventKind.IDENTIFY):
        kept = {name: value for name, value in event.properties.items() if name not in _CONTENT}
        return replace(event, properties=kept, text=None, parts={})
    texts = dict(event.parts)
    if event.text:
        texts[Part.TEXT] = event.text
    for name in ("$llm_message", "[Agent] Comment"):
        if (said := _said(event.properties.get(name))) is not None:
            texts[name] = said
    properties = _kept_properties(event.properties, mode)
    properties[CONTENT_MODE] = mode.value
    sent = event.properties.get(CONTENT_MODE)
    if sent is None or not mode_of(sent).withholds:
        properties[WITHHELD_BY] = HERE
    _describe(texts, properties)
    error_type = event.error_type
    if event.is_error and not error_type:
        said = texts.get(Part.ERROR) or texts.get(Part.OUTPUT) or texts.get(Part.TEXT)
        error_type = error_type_of(said, is_prose=event.kind is not EventKind.AI_RESPONSE and Part.ERROR not in texts)
    context = event.context
    if not context.keys().isdisjoint(_SAID_IN_CONTEXT):
        context = {key: value for key, value in context.items() if key not in _SAID_IN_CONTEXT}
    return replace(event, text=None, parts={}, properties=properties, error_type=error_type, context=context)


def _said(value: Any) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("text")
    return value if isinstance(value, str) and value else None


def _describe(texts: Mapping[str, str], properties: dict[str, Any]) -> None:
    """Note how long each text was that is withheld, and what may be known of prompts, tools and thoughts."""
    if not texts:
        return
    held = properties.get(WITHHELD)
    lengths = dict(held) if isinstance(held, Mapping) else {}
    lengths.update({part: len(text) for part, text in texts.items()})
    properties[WITHHELD] = dict(sorted(lengths.items()))
    if Part.REASONING in texts:
        properties[HAS_REASONING] = True
    if Part.SYSTEM_PROMPT in texts:
        properties.setdefault(PROMPT_LENGTH, len(texts[Part.SYSTEM_PROMPT]))
    if Part.TOOL_DEFINITIONS in texts:
        count, digest = describe_definitions(texts[Part.TOOL_DEFINITIONS])
        properties.setdefault(DEFINITIONS_COUNT, count)
        properties.setdefault(DEFINITIONS_HASH, digest)


def describe_definitions(text: str) -> tuple[int | None, str]:
    """Return how many tools a text defines, None when it is no JSON list, and the hash the Amplitude SDK would send."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, list):
        return None, sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    shaped = [one for tool in given if isinstance(tool, dict) for one in _definitions(tool)]
    canonical = json.dumps(shaped, sort_keys=True, separators=(",", ":"))
    return len(given), sha256(canonical.encode()).hexdigest()[:16]


def _definitions(tool: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a tool's definition, of any provider's shape, as name, description and parameters."""
    declared = tool.get("function_declarations")
    if isinstance(tool.get("function"), dict):
        found, schema = [tool["function"]], "parameters"
    elif "input_schema" in tool:
        found, schema = [tool], "input_schema"
    elif isinstance(tool.get("toolSpec"), dict):
        found, schema = [tool["toolSpec"]], "inputSchema"
    elif isinstance(declared, list):
        found, schema = [one for one in declared if isinstance(one, dict)], "parameters"
    else:
        found, schema = ([tool] if "name" in tool else []), "parameters"
    return [
        {"name": one.get("name", ""), "description": one.get("description", ""), "parameters": one.get(schema)}
        for one in found
    ]


def _kept_properties(properties: Mapping[str, Any], mode: ContentMode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in properties.items():
        if name in _KEPT:
            found[name] = value
        elif name == ENRICHMENTS:
            if (kept := _enrichments(value, mode)) is not None:
                found[name] = kept
        elif name == "[Agent] Attachments":
            found[name] = _attachments(value)
        elif name == "[Agent] Tool Calls":
            if calls := _calls(value):
                found[name] = calls
        elif name in _LABELS:
            found[name] = labels_only(value)
        elif name not in _CONTENT and is_plain(name, value):
            found[name] = value
    return found


def is_plain(name: str, value: Any) -> bool:
    """Tell whether a property that nobody knows holds no text: numbers and truth values, and ids by their name."""
    if isinstance(value, str):
        return is_id_name(name) and len(value) <= _ID_CHARS and not any(map(str.isspace, value))
    if isinstance(value, Mapping):
        return all(is_plain("", inner) for inner in value.values())
    if isinstance(value, list | tuple):
        return all(is_plain("", inner) for inner in value)
    return value is None or isinstance(value, bool | int | float)


def is_id_name(name: str) -> bool:
    """Tell whether a property is called an id: `request_id`, `gen_ai.tool.call.id`, `Message ID`, `threadId`."""
    return name.lower() == "id" or name.endswith(("_id", ".id", " ID", "Id", "-id"))


def _calls(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    found = []
    for call in value if isinstance(value, list) else []:
        if isinstance(call, Mapping):
            function = call.get("function")
            name = call.get("name") or (function.get("name") if isinstance(function, Mapping) else None)
            one = {"id": call.get("id"), "name": name}
            found.append({key: given for key, given in one.items() if isinstance(given, str)})
    return found


def _attachments(value: Any) -> list[dict[str, Any]]:
    listed = value if isinstance(value, list) else []
    return [
        {key: one[key] for key in _ATTACHMENT_FIELDS if isinstance(one.get(key), str | int | float)}
        for one in listed
        if isinstance(one, Mapping)
    ]


def labels_only(value: Any) -> Any:
    """Return a conclusion of the sender's with prose taken out: labels and numbers stay in their places."""
    if isinstance(value, str):
        return value if len(value) <= _LABEL_CHARS and "\n" not in value else None
    if isinstance(value, Mapping):
        return {key: labels_only(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [kept for inner in value if (kept := labels_only(inner)) is not None]
    return value


def _enrichments(value: Any, mode: ContentMode) -> Any:
    """Return a sender's enrichments: whole where they are the point of the mode, else without rationale and quotes."""
    if mode is not ContentMode.METADATA_ONLY:
        return value
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if not isinstance(value, Mapping):
        return None
    found = {name: labels_only(given) for name, given in value.items() if name in _CONCLUSIONS}
    rubrics = value.get("rubrics")
    if isinstance(rubrics, list):
        found["rubrics"] = [
            {name: one[name] for name in ("name", "score") if name in one}
            for one in rubrics
            if isinstance(one, Mapping)
        ]
    metadata = value.get("custom_metadata")
    if isinstance(metadata, Mapping):
        found["custom_metadata"] = {name: given for name, given in metadata.items() if is_plain(name, given)}
    return found


# --- redaction -----------------------------------------------------------------------------------------------------


def _redact(event: AgentEvent, rules: PrivacyRules) -> AgentEvent:
    """Redact every field that may carry text; ids, models and agents are names that must stay apart."""
    redactor = rules.redactor
    changes: dict[str, Any] = {}
    for name in ("text", "name", "error_type", "finish_reason"):
        given = getattr(event, name)
        if given and (found := redactor.text(given)) is not given:
            changes[name] = found
    for name in ("parts", "context", "user_properties"):
        given = getattr(event, name)
        if given and (found := redactor.value(given)) is not given:
            changes[name] = found
    if event.tags and (tags := redactor.value(event.tags)) is not event.tags:
        changes["tags"] = tuple(tags)
    if event.properties:
        properties = {
            name: value if isinstance(value, str) and is_id_name(name) else redactor.value(value)
            for name, value in event.properties.items()
        }
        if any(properties[name] is not value for name, value in event.properties.items()):
            changes["properties"] = properties
    return replace(event, **changes) if changes else event


# --- outcomes ------------------------------------------------------------------------------------------------------


def apply_to_outcome(item: ImportedLabel | ImportedResult, rules: PrivacyRules) -> ImportedLabel | ImportedResult:
    """Return a verdict or label from elsewhere with quotes, prompts and reasons withheld or redacted."""
    if rules.keeps_all:
        return item
    if rules.mode.withholds:
        if isinstance(item, ImportedLabel):
            item = replace(item, raw="", note="", evidence="")
        else:
            labels = tuple(label for label in item.labels if " " not in label and len(label) <= _LABEL_CHARS)
            error = None if item.error is None else item.error_kind or "error"
            item = replace(item, rationale="", evidence="", labels=labels, error=error, prompt="", raw_reply="")
    if rules.redacts:
        redact = rules.redactor.text
        if isinstance(item, ImportedLabel):
            item = replace(
                item,
                value=redact(item.value),
                raw=redact(item.raw),
                note=redact(item.note),
                evidence=redact(item.evidence),
            )
        else:
            item = replace(
                item,
                value=redact(item.value),
                rationale=redact(item.rationale),
                evidence=redact(item.evidence),
                labels=tuple(map(redact, item.labels)),
                error=None if item.error is None else redact(item.error),
                instructions=redact(item.instructions),
                prompt=redact(item.prompt),
                raw_reply=redact(item.raw_reply),
            )
    return item


def apply_to_reason(reason: str, rules: PrivacyRules) -> str:
    """Return the reason of a problem with a record without what it may quote from the record."""
    if rules.mode.withholds:
        reason = _without_quotes(reason)
    return rules.redactor.text(reason) if rules.redacts else reason


def _without_quotes(reason: str) -> str:
    import re

    return re.sub(r"“[^”]*+”|\"[^\"]*+\"|'[^']*+'|‘[^’]*+’", "…", reason)
