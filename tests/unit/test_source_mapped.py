"""Formats described by a mapping file, and tables of product events; the documented examples are executed."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from aa_tui.backend.model.event import AgentEvent, EventKind, Part, RecordProblem, SourceItem, TimeQuality
from aa_tui.backend.sources import registry
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.sources.csv_events import CSV_EVENTS, cell, epoch_of
from aa_tui.backend.sources.mapped import FIELDS, KINDS
from aa_tui.backend.sources.reading import head_of
from aa_tui.backend.support.errors import UsageError

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "import-mapping.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)


def read(folder: Path, mapping: str, content: str, options: ReadOptions | None = None) -> list[SourceItem]:
    (folder / "m.toml").write_text(mapping)
    (folder / "data").write_text(content)
    return list(registry.by_name(str(folder / "m.toml")).read(folder / "data", options or ReadOptions()))


def test_the_documented_example_does_what_it_says(tmp_path: Path) -> None:
    (lines,) = blocks("json")
    items = read(tmp_path, blocks("toml")[0], lines)
    events = [item for item in items if isinstance(item, AgentEvent)]
    assert len(items) == 3, items
    asked, looked, answered = events
    assert [event.kind for event in events] == [EventKind.USER_MESSAGE, EventKind.TOOL_CALL, EventKind.AI_RESPONSE]
    assert {event.session_key for event in events} == {"c-17"}
    assert {event.trace_id for event in events} == {"c-17#1"}
    assert (asked.text, asked.user_id, asked.time_ms) == ("Where is order 1009?", "ana", 1767262800_000)
    assert (looked.name, looked.parts[Part.INPUT], looked.parts[Part.OUTPUT]) == (
        "lookup_order", '{"id":1009}', "not found",
    )  # fmt: skip
    assert (looked.latency_ms, looked.properties) == (400, {"ok": False})
    assert (answered.model, answered.provider, answered.input_tokens, answered.output_tokens) == (
        "gpt-4o-mini", "openai", 120, 18,
    )  # fmt: skip
    assert (answered.context, answered.agent_id) == ({"version": "v4"}, "my-bot")
    assert [event.insert_id for event in events] == [
        event.insert_id for event in read(tmp_path, blocks("toml")[0], lines) if isinstance(event, AgentEvent)
    ]


def test_one_record_can_make_several_events(tmp_path: Path) -> None:
    lines = (
        '{"conversation": "a", "at": "2026-03-01T10:00:00", "question": "q", "answer": "r", "status": "ok",'
        ' "cost": 0.5}\n'
        '{"conversation": "a", "at": "2026-03-01T10:01:00Z", "question": "q", "answer": "lost", "status": "failed"}\n'
    )
    events = [item for item in read(tmp_path, blocks("toml")[1], lines) if isinstance(item, AgentEvent)]
    assert [(event.kind.name, event.text, event.trace_id) for event in events] == [
        ("USER_MESSAGE", "q", "a#1"), ("AI_RESPONSE", "r", "a#1"), ("USER_MESSAGE", "q", "a#2"),
    ]  # fmt: skip
    assert events[1].cost_nano == 500_000_000
    assert [event.time_quality for event in events] == [
        TimeQuality.ZONE_ASSUMED, TimeQuality.ZONE_ASSUMED, TimeQuality.EXACT,
    ]  # fmt: skip
    assert len({event.insert_id for event in events}) == 3


def test_the_document_names_every_field_and_kind() -> None:
    text = DOCUMENT.read_text()
    assert not [name for name in (*FIELDS, *KINDS) if f"`{name}`" not in text]


def test_nested_records_and_equal_lines(tmp_path: Path) -> None:
    mapping = (
        'name = "n"\nrecords = "messages"\n[kind]\nis = "user_message"\n'
        '[fields]\nsession = "/chat.id"\ntext = "parts.-1"\n"turn" = "a.b"\n'
    )
    lines = '{"chat": {"id": 5}, "messages": [{"parts": ["x", "y"], "a.b": "t"}, 7, {"parts": []}]}\n' * 2
    items = read(tmp_path, mapping, lines)
    events = [item for item in items if isinstance(item, AgentEvent)]
    assert [(event.session_key, event.text, event.trace_id) for event in events[:2]] == [
        ("5", "y", "t"),
        ("5", None, "5#1"),
    ]
    assert len(events) == 4 and len({event.insert_id for event in events}) == 4
    assert [item.line for item in items if isinstance(item, RecordProblem)] == [1, 2]


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("name = 1", "short word"),
        ('name = "codex"\n[kind]\nis = "span"', "built-in"),
        ('name = "x"', "say what a record is"),
        ('name = "x"\n[kind]\nis = "answer"', '"answer" is no kind'),
        ('name = "x"\n[kind]\nis = "span"\n[fields]\ntime_ = "t"', "time_"),
        ('name = "x"\n[kind]\nis = "span"\n[fields]\ntime = 5', "fields.time"),
        ('name = "x"\nformat = "xml"', "jsonl"),
        ('name = "x"\nspeed = 1', "speed"),
        ("name = ", "cannot be read"),
    ],
)
def test_a_wrong_mapping_file_is_refused_with_the_place(tmp_path: Path, mapping: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read(tmp_path, mapping, "")


def test_a_missing_mapping_file_is_said() -> None:
    with pytest.raises(UsageError, match=r"gone\.toml"):
        registry.by_name("gone.toml")


def test_a_mapped_table(tmp_path: Path) -> None:
    mapping = (
        'name = "t"\nformat = "csv"\n[kind]\nis = "product"\n[fields]\nevent = "What"\ntime = "When"\nuser = "Who"\n'
        '[properties]\nprice = "Price (EUR)"\n'
    )
    items = read(
        tmp_path, mapping, 'What;When;Who;Price (EUR)\nBuy;2026-01-01;ana;"3.5"\nBuy;soon;ana;1\n;2026-01-01;b;\n'
    )
    bought = items[0]
    assert isinstance(bought, AgentEvent)
    assert (bought.kind, bought.event_type, bought.user_id, bought.properties) == (
        EventKind.PRODUCT, "Buy", "ana", {"price": 3.5},
    )  # fmt: skip
    assert [(item.line, item.field) for item in items if isinstance(item, RecordProblem)] == [(3, "When"), (4, "What")]


def test_a_table_of_product_events_needs_no_mapping(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text(
        "\ufeffUser ID,Event,Timestamp,plan,event_properties.price,user_properties.city,n\r\n"
        'u1,"Order, placed",2026-02-01T10:00:00Z,pro,12.50,"Köln\n""Süd""",007\r\n'
        "u1,Login,1769940000,,,,\r\n"
        "u1,Login,1769940000,,,,\r\n"
        ",Login,1769940000,,,,\r\n"
        "u2,Login,yesterday,,,,\r\n"
        "u2,Login\r\n"
    )
    assert registry.detect(path) is CSV_EVENTS
    items = list(CSV_EVENTS.read(path, ReadOptions()))
    ordered, first, second = (item for item in items if isinstance(item, AgentEvent))
    assert (ordered.kind, ordered.event_type, ordered.user_id) == (EventKind.PRODUCT, "Order, placed", "u1")
    assert ordered.time_ms == 1769940000_000
    assert ordered.properties == {"plan": "pro", "price": 12.5, "n": "007"}
    assert ordered.user_properties == {"city": 'Köln\n"Süd"'}
    assert first.insert_id != second.insert_id and first.time_ms == 1769940000_000
    problems = [item for item in items if isinstance(item, RecordProblem)]
    assert [problem.line for problem in problems] == [6, 7, 8]
    assert [item.insert_id for item in CSV_EVENTS.read(path, ReadOptions()) if isinstance(item, AgentEvent)] == [
        ordered.insert_id, first.insert_id, second.insert_id,
    ]  # fmt: skip


def test_other_tables_are_left_alone_and_explained(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("event,user_id,count\nx,y,1\n")
    assert registry.detect(path) is None
    assert "lacks a column for its time" in registry.explain_unknown(path)
    path.write_text("Dear user, the time of the event is now\n")
    assert registry.detect(path) is None


def test_times_of_any_unit() -> None:
    assert epoch_of("2026-01-01T00:00:00Z") == epoch_of(1767225600) == epoch_of("1767225600000") == 1767225600_000
    assert epoch_of(1767225600_000_000) == epoch_of(1767225600_000_000_000) == 1767225600_000
    assert epoch_of("1767225600.25") == 1767225600_250
    assert epoch_of("2026-01-01 00:00:00 UTC") == 1767225600_000
    assert [epoch_of(value) for value in ("", "x", True, None, -1, float("nan"), 10**30)] == [None] * 7
    assert [cell(value) for value in ("", "1", "-1.5", "007", "TRUE", '{"a":1}', "{", "1e5")] == [
        None, 1, -1.5, "007", True, {"a": 1}, "{", "1e5",
    ]  # fmt: skip


def test_damaged_tables_and_records_never_raise(tmp_path: Path) -> None:
    dice = random.Random(7)
    table = b"user_id,event_type,time,p\nu,e,1769940000,x\n" * 20
    lines = blocks("json")[0].encode()
    (tmp_path / "m.toml").write_text(blocks("toml")[0])
    mapped = registry.by_name(str(tmp_path / "m.toml"))
    path = tmp_path / "f"
    found = 0
    for source, original in ((CSV_EVENTS, table), (mapped, lines)):
        for _ in range(60):
            damaged = bytearray(original)
            for _ in range(dice.choice([1, 10])):
                at = dice.randrange(len(damaged))
                damaged[at : at + dice.choice([0, 1, 9])] = dice.choice(
                    [b'"', b"\x00", b"\xff", b",", b"\n", b"[]", b"null", b"1e999", b"{"]
                )
            path.write_bytes(bytes(damaged))
            CSV_EVENTS.sniff(head_of(path))
            for item in source.read(path, ReadOptions(user="u")):
                assert isinstance(item, AgentEvent | RecordProblem)
                found += isinstance(item, AgentEvent)
    assert found > 500
