"""LangSmith run batches as the SDKs send them, and exported runs. Only this format is known here.

A run comes in two halves, `post` and `patch`, joined by its id; runs are turned into spans and mapped as any trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aa_tui.backend.model.event import RecordProblem, SourceItem
from aa_tui.backend.sources import reading
from aa_tui.backend.sources.contract import Head, ReadOptions
from aa_tui.backend.sources.otel.mapping import TraceOptions, by_trace, events_of_trace
from aa_tui.backend.sources.otel.spans import Kind, Span, nanoseconds
from aa_tui.backend.sources.shapes import Shape, misfits
from aa_tui.backend.sources.users import user_for
from aa_tui.backend.sources.values import epoch_ms, instant_ms, items, mapping, number, text

_KINDS = {"llm": Kind.MODEL, "tool": Kind.TOOL, "embedding": Kind.EMBEDDING}
_SESSION = ("session_id", "thread_id", "conversation_id")
_RUN = frozenset({"id", "run_type", "trace_id", "dotted_order"})


_RUN_SHAPE: Shape = {"run_type": str, "inputs": dict, "outputs": dict}
_BATCH_SHAPE: Shape = {"post": list, "patch": list}


class LangSmithSource:
    """Runs of LangSmith."""

    name = "langsmith"
    title = "LangSmith runs"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        shape = reading.outline(head)
        if shape.opening == "{" and "post" in shape.keys and shape.keys <= {"post", "patch"}:
            return b'"run_type"' in head.start or b'"dotted_order"' in head.start
        return {"run_type", "trace_id"} <= shape.keys and bool(shape.keys & {"dotted_order", "parent_run_id"})

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        runs: dict[str, dict[str, Any]] = {}
        for item in _runs(path, options):
            if isinstance(item, RecordProblem):
                yield item
                continue
            place, value = item
            run = mapping(value)
            name = text(run.get("id")) or _id_of_order(run)
            if name is None:
                yield RecordProblem(place, "a run without an id", field="id")
                continue
            yield from misfits(place, run, _RUN_SHAPE)
            known = runs.setdefault(name, {})
            # The second half repeats some fields empty.
            known.update({key: given for key, given in run.items() if given not in (None, [], {}) or key not in known})
        spans = [_span(name, run) for name, run in runs.items()]
        seq = 0
        for trace, members in by_trace(spans).items():
            belonging = [runs[span.span_id] for span in members]
            metadata = [mapping(mapping(run.get("extra")).get("metadata")) for run in belonging]
            session = next((found for one in metadata for key in _SESSION if (found := text(one.get(key)))), trace)
            user = next((found for one in metadata if (found := text(one.get("user_id")))), None)
            events = events_of_trace(
                members,
                options=TraceOptions(
                    prefix=self.name, session=session, context=_context(belonging, metadata), first_seq=seq
                ),
            )
            own = user_for(ReadOptions(users=options.users), session, (str(path),)) or user
            unfinished = {span.span_id for span in members if span.end_ns is None}
            tags = tuple(
                dict.fromkeys(
                    tag for run in belonging for tag in items(run.get("tags")) if isinstance(tag, str) and tag
                )
            )
            for event in events:
                event.user_id = own or event.user_id or options.user
                event.device_id = None
                event.tags = tags
                if event.span_id in unfinished:
                    event.warnings += ("incomplete",)
                yield event
            seq = events[-1].seq if events else seq


def _runs(path: Path, options: ReadOptions) -> Iterator[tuple[int, Any] | RecordProblem]:
    head = reading.head_of(path)
    if reading.is_json_lines(head):
        for item in reading.iter_json_records(path, options.on_bytes):
            if isinstance(item, RecordProblem):
                yield item
                continue
            line, value = item
            batch = mapping(value)
            if "post" in batch or "patch" in batch:
                yield from misfits(line, batch, _BATCH_SHAPE)
                for name in ("post", "patch"):
                    yield from ((line, run) for run in items(batch.get(name)))
            else:
                yield line, value
        return
    if reading.outline(head).opening == "{" and reading.outline(head).keys >= _RUN:
        document = reading.load_json_document(path, options.on_bytes)
        yield document if isinstance(document, RecordProblem) else (1, document)
        return
    for member in reading.iter_json_members(path, ("post", "patch", "runs"), options.on_bytes):
        if isinstance(member, RecordProblem):
            yield member
        elif member[0] in (None, "post", "patch", "runs"):
            yield member[1] + 1, member[2]


def _id_of_order(run: dict[str, Any]) -> str | None:
    """Return the id of a run that has it only as the end of its place in the tree, as JavaScript's second halves do."""
    last = (text(run.get("dotted_order")) or "").rpartition(".")[2]
    return last.partition("Z")[2] or None


def _at(value: Any) -> int | None:
    """Return epoch milliseconds: Python sends ISO 8601 texts, JavaScript milliseconds."""
    found = instant_ms(value)
    return found if found is not None else epoch_ms(value)


def _span(name: str, run: dict[str, Any]) -> Span:
    metadata = mapping(mapping(run.get("extra")).get("metadata"))
    inputs, outputs = mapping(run.get("inputs")), mapping(run.get("outputs"))
    kind = _KINDS.get(str(run.get("run_type")), Kind.STEP)
    attributes: dict[str, Any] = {}
    if inputs:
        attributes["input.value"] = inputs["input"] if kind is Kind.TOOL and set(inputs) == {"input"} else inputs
    if outputs:
        attributes["output.value"] = (
            outputs["output"] if kind is not Kind.MODEL and set(outputs) == {"output"} else outputs
        )
    if kind in (Kind.MODEL, Kind.EMBEDDING):
        _model(attributes, run, metadata, inputs, outputs)
    start_ms, end_ms = _at(run.get("start_time")), _at(run.get("end_time"))
    tokens = [
        _at(mapping(one).get("time")) for one in items(run.get("events")) if mapping(one).get("name") == "new_token"
    ]
    if start_ms is not None and tokens and tokens[0] is not None and tokens[0] >= start_ms:
        attributes["ai.response.msToFirstChunk"] = tokens[0] - start_ms
    error = text(run.get("error"))
    project = text(run.get("session_name"))
    return Span(
        text(run.get("trace_id")) or name,
        name,
        text(run.get("parent_run_id")),
        text(run.get("name")) or "",
        nanoseconds(start_ms, 1_000_000),
        nanoseconds(end_ms, 1_000_000),
        attributes,
        {"service.name": project} if project != "default" else {},
        failed=error is not None,
        message=error,
        kind=kind,
    )


def _model(
    attributes: dict[str, Any],
    run: dict[str, Any],
    metadata: dict[str, Any],
    inputs: dict[str, Any],
    outputs: dict[str, Any],
) -> None:
    invocation = mapping(mapping(run.get("extra")).get("invocation_params"))
    known = {
        "gen_ai.response.model": text(outputs.get("model")),
        "gen_ai.request.model": text(metadata.get("ls_model_name")) or text(inputs.get("model")),
        "gen_ai.provider.name": text(metadata.get("ls_provider")),
        "gen_ai.response.id": text(outputs.get("id")),
        "gen_ai.request.temperature": metadata.get("ls_temperature", invocation.get("temperature")),
        "gen_ai.request.max_tokens": metadata.get("ls_max_tokens"),
        "gen_ai.tool.definitions": inputs.get("tools") or invocation.get("tools"),
        "gen_ai.usage.cost": number(run.get("total_cost")),
    }
    usage = _usage(metadata, outputs)
    details = mapping(usage.get("input_token_details")) or mapping(usage.get("prompt_tokens_details"))
    spent = mapping(usage.get("output_token_details")) or mapping(usage.get("completion_tokens_details"))
    known |= {
        "gen_ai.usage.input_tokens": usage.get("input_tokens", usage.get("prompt_tokens", run.get("prompt_tokens"))),
        "gen_ai.usage.output_tokens": usage.get(
            "output_tokens", usage.get("completion_tokens", run.get("completion_tokens"))
        ),
        "gen_ai.usage.total_tokens": usage.get("total_tokens", run.get("total_tokens")),
        "gen_ai.usage.cache_read.input_tokens": details.get("cache_read", details.get("cached_tokens")),
        "gen_ai.usage.cache_creation.input_tokens": details.get("cache_creation"),
        "gen_ai.usage.reasoning.output_tokens": spent.get("reasoning", spent.get("reasoning_tokens")),
    }
    attributes.update({key: value for key, value in known.items() if value is not None})


def _usage(metadata: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Any]:
    generations = items(outputs.get("generations"))
    while generations and isinstance(generations[0], list):
        generations = generations[0]
    message = mapping(mapping(generations[0] if generations else None).get("message"))
    return (
        mapping(outputs.get("usage_metadata"))
        or mapping(metadata.get("usage_metadata"))
        or mapping(outputs.get("usage"))
        or mapping(mapping(message.get("kwargs")).get("usage_metadata"))
        or mapping(mapping(outputs.get("llm_output")).get("token_usage"))
    )


def _context(runs: list[dict[str, Any]], metadata: list[dict[str, Any]]) -> dict[str, str]:
    known = {
        "project": next((found for run in runs if (found := text(run.get("session_name")))), None),
        "version": next((found for one in metadata if (found := text(one.get("revision_id")))), None),
    }
    context = {key: value for key, value in known.items() if value}
    for one in metadata:
        for key, value in one.items():
            own = key not in (*_SESSION, "user_id", "revision_id", "usage_metadata", "resume")
            if own and not key.startswith(("ls_", "langgraph_", "LANGSMITH_", "checkpoint_", "__")) and text(value):
                context.setdefault(key, value)
    return context


LANGSMITH = LangSmithSource()
