"""Content modes and redaction: what is taken out of events and spans, what stays; hostile text costs no time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aa_tui.backend.ingest import privacy
from aa_tui.backend.ingest.privacy import ContentMode, PrivacyRules, Redactor, rules_of
from aa_tui.backend.model.event import AgentEvent, EventKind, ImportedLabel, ImportedResult, Part
from aa_tui.backend.model.text_switches import WITHHELD_BY
from aa_tui.backend.sources.amplitude_event import event_from_amplitude
from aa_tui.backend.sources.otel.mapping import events_of_trace
from aa_tui.backend.sources.otel.spans import LogRecord, Span, SpanEvent
from aa_tui.backend.support.redaction import PATTERNS

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
REDACT = Redactor()
METADATA = PrivacyRules(ContentMode.METADATA_ONLY)
ENRICHED = PrivacyRules(ContentMode.CUSTOMER_ENRICHED)
CARD = "4111 1111 1111 1111"
IBAN = "DE89 3704 0044 0532 0130 00"


def wire(number: str) -> list[AgentEvent]:
    found = sorted((SHARED / "amplitude_sdk_wire").glob(f"{number}_*.json"))
    if not found:
        pytest.skip("shared data absent")
    requests = json.loads(found[0].read_text(encoding="utf-8"))["requests"]
    records = [record for request in requests for record in request["body"]["events"]]
    return [event_from_amplitude(record, at) for at, record in enumerate(records)]


def comparable(event: AgentEvent) -> dict[str, Any]:
    """An event without what differs between two runs of the same program, and without what only we note."""
    found = asdict(event)
    for name in ("insert_id", "session_key", "trace_id", "span_id", "parent_id", "target_id", "time_ms", "latency_ms"):
        del found[name]
    ours = (privacy.WITHHELD, WITHHELD_BY)
    found["properties"] = {name: value for name, value in event.properties.items() if name not in ours}
    return found


class TestTheSdkAgrees:
    """The same conversation was recorded with each of the SDK's settings; doing here what it does there is the same."""

    def test_redacting_what_was_sent_raw_gives_what_it_sends_redacted(self) -> None:
        rules = rules_of({"redact": True})
        assert [comparable(privacy.apply(event, rules)) for event in wire("08")] == [
            comparable(event) for event in wire("07")
        ]

    @pytest.mark.parametrize(("mode", "file"), [("metadata_only", "09"), ("customer_enriched", "10")])
    def test_withholding_what_was_sent_in_full_gives_what_it_sends_without_texts(self, mode: str, file: str) -> None:
        rules = rules_of({"content_mode": mode})
        assert [comparable(privacy.apply(event, rules)) for event in wire("08")] == [
            comparable(event) for event in wire(file)
        ]

    def test_nothing_is_touched_without_rules(self) -> None:
        events = wire("08")
        assert all(privacy.apply(event, rules_of({})) is event for event in events)


class TestFinds:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("write sam.o'neil+x@mail.example.co.uk.", "write sam.o'[email]."),
            ("josé@empresa.es,anna@x.io", "[email],[email]"),
            (
                f"card {CARD}, {CARD.replace(' ', '-')}, 4111111111111111",
                "card [credit_card], [credit_card], [credit_card]",
            ),
            ("amex 3782 822463 10005", "amex [credit_card]"),
            (f"IBAN {IBAN} is mine; GB82WEST12345698765432.", "IBAN [iban] is mine; [iban]."),
            (
                "+41 79 123 45 67 / (415) 555-0123 / 415.555.0123 / 0041 79 123 45 67 / 079 123 45 67",
                "[phone] / [phone] / [phone] / [phone] / [phone]",
            ),
            ("ssn 123-45-6789", "ssn [ssn]"),
            ("from 10.1.2.3 and 2001:db8::8a2e:370:7334", "from [ip_address] and [ip_address]"),
            ("sk-proj-" + "aB3" * 10, "[REDACTED]"),
            ("sk-ant-api03-" + "aB3_" * 10, "[REDACTED]"),
            ("key AKIAIOSFODNN7EXAMPLE.", "key [REDACTED]."),
            ("aws_secret_access_key = " + "a1B/" * 10, "aws_secret_access_key = [REDACTED]"),
            ("ghp_" + "a1" * 18 + " github_pat_" + "a1" * 20, "[REDACTED] [REDACTED]"),
            ("xoxb-123456789012-abcdef", "[REDACTED]"),
            ("Authorization: Bearer abcdef.0123456789", "Authorization: Bearer [REDACTED]"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_1", "[REDACTED]"),
            ("postgres://me:hunter22@db/x", "postgres://[REDACTED]@db/x"),
            ("a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE+/=\nab\n-----END RSA PRIVATE KEY-----\nb", "a\n[REDACTED]\nb"),
            ("-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0\\n", "[REDACTED]\\n"),
        ],
    )
    def test_personal_data_and_secrets(self, text: str, expected: str) -> None:
        assert REDACT.text(text) == expected
        assert REDACT.text(expected) == expected

    @pytest.mark.parametrize(
        "text",
        [
            "at 1795380150845 and 1795380150 on 2024-01-02 03:04:05.678 or 01.02.2024 1030",
            "card 4111 1111 1111 1112, order 1234 5678 9012 3456",
            "DE89 3704 0044 0532 0130 01",
            "550e8400-e29b-41d4-a716-446655440000 d41d8cd98f00b204e9800998ecf8427e",
            "ba699021-9dfc-482b-80b6-20c3ca530d8b https://host/comments/2778602559 #2778602559",
            "std::vector<int> a::b x[1::2] 12:34:56 fe::",
            "sk-loading-indicator-container-element Bearer of news, 3.1415926535897932",
            "v1.2.3, 999.1.1.1, (see) @decorator, me@localhost",
        ],
    )
    def test_what_only_looks_like_it_stays(self, text: str) -> None:
        assert REDACT.text(text) is text

    def test_each_pattern_set_can_be_had_alone(self) -> None:
        text = f"me@x.org 10.1.2.3 415-555-0123 {CARD} {IBAN} 123-45-6789 AKIAIOSFODNN7EXAMPLE"
        for name in PATTERNS:
            found = Redactor([name]).text(text)
            assert found.count("[") == 1
            assert privacy.PLACEHOLDERS[name] in found

    def test_json_stays_json_whatever_is_escaped(self) -> None:
        inner = json.dumps({"note": "line\nsam@x.org", "deep": json.dumps(["tab\t" + CARD])})
        text = json.dumps({"a": inner, "n": 4111111111111111, "é": "x", "u": "sam@x.org"}, indent=2)
        text = text.replace("sam@x.org", "sam\\u0040x.org")
        found = REDACT.text(text)
        decoded = json.loads(found)
        assert decoded["u"] == "[email]"
        assert decoded["n"] == "[credit_card]"
        assert json.loads(decoded["a"])["note"] == "line\n[email]"
        assert json.loads(json.loads(decoded["a"])["deep"]) == ["tab\t[credit_card]"]
        assert found.splitlines()[0] == "{"

    def test_values_that_lie_too_deep_are_searched_all_the_same(self) -> None:
        value: Any = "me@x.org"
        for _ in range(200):
            value = [value]
        assert "me@x.org" not in json.dumps(REDACT.value(value))

    def test_two_finds_as_keys_stay_two(self) -> None:
        assert REDACT.value({"a@x.org": 1, "b@x.org": 2}) == {"[email]": 1, "[email] 2": 2}


LETTERS = st.text(alphabet=st.characters(exclude_categories=("Nd", "Nl", "No"), exclude_characters="@:-"), max_size=300)
PLANTED = ("sam@example.org", CARD, IBAN, "+41 79 123 45 67", "AKIAIOSFODNN7EXAMPLE", "xoxb-123456789012-abcdef")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


class TestProperties:
    @given(LETTERS)
    def test_text_without_finds_is_the_same_object(self, text: str) -> None:
        if "eyJ" not in text:
            assert REDACT.text(text) is text

    @given(st.text(max_size=400))
    def test_redacting_twice_changes_nothing(self, text: str) -> None:
        once = REDACT.text(text)
        assert REDACT.text(once) == once

    @given(
        st.text(alphabet=" .,;\n\t(){}\"'äß日本", max_size=40),
        st.text(alphabet=" .,;\n\"'(", max_size=40),
        st.sampled_from(PLANTED),
    )
    def test_what_is_planted_is_found(self, before: str, after: str, secret: str) -> None:
        assert secret not in REDACT.text(f"{before} {secret} {after}")

    @given(JSON)
    def test_values_without_finds_come_back_themselves(self, value: Any) -> None:
        if not any(char in json.dumps(value) for char in ":@-0123456789"):
            assert REDACT.value(value) is value

    @given(JSON, st.sampled_from(PLANTED[:3]))
    def test_json_texts_stay_json(self, value: Any, secret: str) -> None:
        text = json.dumps({"value": value, "secret": f"a\n{secret}\t"})
        assert json.loads(REDACT.text(text))["secret"] not in (secret, "")
        assert secret not in REDACT.text(text)


def hostile() -> Iterator[tuple[str, str]]:
    size = 1_000_000
    for name, unit in {
        "local parts": "a@", "domain": "a.", "digits": "1", "groups": "1234 ", "card heads": "4111 ", "iban": "DE89 ",
        "begin": "-----BEGIN PRIVATE KEY-----", "begins": "-----BEGIN ", "jwt": "eyJ", "jwts": "eyJaaaaaa.",
        "sk": "sk-", "bearer": "bearer ", "urls": "aa://", "passwords": "a://x:", "v6": "a:", "v4": "1.",
        "phones": "+1 ",
        "brackets": "(0) ", "home": "079 12 ", "aws": "aws_secret_key=", "dashes": "1-", "open": '{"a":', "quotes": '"',
    }.items():  # fmt: skip
        yield name, unit * (size // len(unit))
    yield "one local part", "a" * size + "@"
    yield "a domain without end", "x@" + "a." * (size // 2)
    yield "a number and blanks", "1" + " " * size
    yield "escapes", '["' + "\\u0041" * (size // 6) + '"]'
    yield "mails in json", '["' + "a@b.ch\\n" * (size // 8) + '"]'


@pytest.mark.parametrize(("name", "text"), list(hostile()), ids=[name for name, _ in hostile()])
def test_a_megabyte_of_hostile_text_costs_time_in_proportion(name: str, text: str) -> None:
    def seconds(sample: str) -> float:
        start = time.process_time()
        REDACT.text(sample)
        return time.process_time() - start

    short = text[: len(text) // 8]
    assert seconds(text) < 30 * seconds(short) + 1.0, name


# --- content modes -------------------------------------------------------------------------------------------------

SECRETS = [
    f"zq{name}zq"
    for name in (
        "text",
        "input",
        "output",
        "think",
        "prompt",
        "tool",
        "error",
        "trace",
        "comment",
        "odd",
        "deep",
        "title",
        "file",
        "quote",
    )
]


def full_event(kind: EventKind = EventKind.AI_RESPONSE) -> AgentEvent:
    return AgentEvent(
        kind,
        "i1",
        session_key="s1",
        user_id="u1",
        trace_id="t1",
        span_id="p1",
        name="find",
        text="zqtextzq",
        is_error=True,
        input_tokens=80,
        cost_nano=5,
        parts={
            Part.INPUT: "zqinputzq",
            Part.OUTPUT: "zqoutputzq",
            Part.REASONING: "zqthinkzq",
            Part.SYSTEM_PROMPT: "zqpromptzq",
            Part.TOOL_DEFINITIONS: json.dumps([{"name": "f", "description": "zqtoolzq", "parameters": {}}]),
            Part.ERROR: "HTTP status 429 zqerrorzq",
            Part.STACK_TRACE: "zqtracezq",
        },
        context={"plan": "pro", "title": "zqtitlezq"},
        tags=("vip",),
        properties={
            "[Agent] Comment": "zqcommentzq",
            "[Agent] SDK Version": "1.21.0",
            "$llm_message": {"text": "zqtextzq", "odd": 1},
            "whatever": "zqoddzq",
            "nested": {"a": [1, {"b": "zqdeepzq"}]},
            "counts": {"a": [1, True]},
            "exit_code": 2,
            "request_id": "req-1",
            "[Agent] Tool Calls": [{"id": "c1", "name": "find", "arguments": '{"q":"zqinputzq"}'}],
            "[Agent] Attachments": [{"type": "image", "name": "zqfilezq.png", "size_bytes": 3, "data": "zqfilezq"}],
            "[Agent] Enrichments": {
                "overall_outcome": "abandoned",
                "quality_score": 0.5,
                "rubrics": [{"name": "r", "score": 1, "evidence": [{"quote": "zqquotezq"}], "rationale": "zqquotezq"}],
                "negative_feedback_phrases": ["zqquotezq"],
                "custom_metadata": {"n": 1, "s": "zqquotezq"},
            },
        },
    )


@pytest.mark.parametrize("kind", [k for k in EventKind if k not in (EventKind.PRODUCT, EventKind.IDENTIFY)])
def test_metadata_only_leaves_no_text_and_keeps_the_rest(kind: EventKind) -> None:
    given_event = full_event(kind)
    before = json.dumps(asdict(given_event))
    found = privacy.apply(given_event, METADATA)
    said = json.dumps(asdict(found))
    assert not [secret for secret in SECRETS if secret in said]
    assert json.dumps(asdict(given_event)) == before
    assert (found.input_tokens, found.cost_nano, found.name, found.tags) == (80, 5, "find", ("vip",))
    assert found.error_type == "RateLimitError"
    assert found.context == {"plan": "pro"}
    properties = found.properties
    assert properties["[Agent] Content Mode"] == "metadata_only"
    assert properties["[Agent] System Prompt Length"] == len("zqpromptzq")
    assert properties["[Agent] Tool Definitions Count"] == 1
    assert properties["[Agent] Has Reasoning"] is True
    assert properties["[Agent] Tool Calls"] == [{"id": "c1", "name": "find"}]
    assert properties["[Agent] Attachments"] == [{"type": "image", "size_bytes": 3}]
    assert properties["[Agent] Withheld"]["input"] == len("zqinputzq")
    assert properties["[Agent] SDK Version"] == "1.21.0"
    assert (properties["exit_code"], properties["request_id"], properties["counts"]) == (2, "req-1", {"a": [1, True]})
    assert properties["[Agent] Enrichments"] == {
        "overall_outcome": "abandoned",
        "quality_score": 0.5,
        "rubrics": [{"name": "r", "score": 1}],
        "custom_metadata": {"n": 1},
    }


def test_customer_enriched_keeps_what_the_sender_concluded() -> None:
    found = privacy.apply(full_event(), ENRICHED)
    assert found.properties["[Agent] Enrichments"] == full_event().properties["[Agent] Enrichments"]
    assert found.text is None
    assert not found.parts


@pytest.mark.parametrize(
    ("sender", "project", "expected"),
    [
        ("full", "metadata_only", "metadata_only"),
        ("metadata_only", "full", "metadata_only"),
        ("metadata_only", "customer_enriched", "metadata_only"),
        ("customer_enriched", "metadata_only", "metadata_only"),
        ("customer_enriched", "full", "customer_enriched"),
        ("full", "full", "full"),
        ("nobody knows", "full", "metadata_only"),
        (None, "customer_enriched", "customer_enriched"),
    ],
)
def test_the_stricter_mode_wins(sender: str | None, project: str, expected: str) -> None:
    event = full_event()
    if sender is not None:
        event.properties["[Agent] Content Mode"] = sender
    found = privacy.apply(event, rules_of({"content_mode": project}))
    assert found.properties.get("[Agent] Content Mode", "full") == expected
    assert (found.text is None) == (expected != "full")


def test_product_events_and_user_properties_are_redacted_but_not_withheld() -> None:
    event = AgentEvent(
        EventKind.PRODUCT,
        "i",
        "Bought",
        properties={"page": "me@x.org"},
        user_properties={"mail": "me@x.org", "plan": "pro"},
    )
    assert privacy.apply(event, METADATA).properties == {"page": "me@x.org"}
    found = privacy.apply(event, rules_of({"redact": ["email"]}))
    assert found.properties == {"page": "[email]"}
    assert found.user_properties == {"mail": "[email]", "plan": "pro"}


def test_redaction_reaches_every_field_that_carries_text() -> None:
    mail = "sam@example.org"
    event = AgentEvent(
        EventKind.SPAN,
        "i",
        session_key=mail,
        user_id=mail,
        name=f"look up {mail}",
        text=mail,
        error_type=f"NotFound {mail}",
        parts={Part.INPUT: mail},
        context={"title": mail, mail: "x"},
        tags=(mail,),
        properties={"a": {"b": [mail]}, "message_id": mail},
        user_properties={"mail": mail},
    )
    found = privacy.apply(event, rules_of({"redact": True}))
    assert (found.session_key, found.user_id, found.properties["message_id"]) == (mail, mail, mail)
    rest = {key: value for key, value in asdict(found).items() if key not in ("session_key", "user_id")}
    rest["properties"].pop("message_id")
    assert mail not in json.dumps(rest, default=str)


@settings(max_examples=60)
@given(JSON, st.sampled_from(["metadata_only", "customer_enriched"]))
def test_applying_twice_changes_nothing(value: Any, mode: str) -> None:
    event = full_event()
    event.properties["[Agent] Message Labels"] = value
    event.properties["odd"] = value
    rules = PrivacyRules(ContentMode(mode), PATTERNS)
    once = privacy.apply(event, rules)
    assert privacy.apply(once, rules) == once


def test_verdicts_lose_their_quotes_and_prompts() -> None:
    label = ImportedLabel("s", "c", "True", "x", raw="zq1", note="zq2", evidence="zq3")
    result = ImportedResult(
        "s", "e", "c", "True", True, rationale="zq1", evidence="zq2", labels=("loop", "zq a phrase"), error="zq3",
        error_kind="timeout", prompt="zq4", raw_reply="zq5",
    )  # fmt: skip
    for item in (label, result):
        assert "zq" not in repr(privacy.apply_to_outcome(item, METADATA))
        assert privacy.apply_to_outcome(item, privacy.KEEP_ALL) is item


def test_settings_that_cannot_be_understood_count_as_the_strictest() -> None:
    assert rules_of({"content_mode": "Metadata Only"}).mode is ContentMode.METADATA_ONLY
    assert rules_of({"content_mode": "sorted"}).mode is ContentMode.METADATA_ONLY
    assert rules_of({"redact": ["nonsense"]}).patterns == PATTERNS
    assert rules_of("not json") == privacy.KEEP_ALL
    assert rules_of('{"redact": ["email"]}').patterns == ("email",)


# --- spans ---------------------------------------------------------------------------------------------------------


def model_span(**more: Any) -> Span:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.conversation.id": "c1",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.input.messages": json.dumps(
            [{"role": "system", "content": "zqpromptzq"}, {"role": "user", "content": "zqtextzq"}]
        ),
        "gen_ai.output.messages": json.dumps(
            [{"role": "assistant", "parts": [
                {"type": "text", "content": "zqoutputzq"}, {"type": "reasoning", "content": "zqthinkzq"},
                {"type": "tool_call", "id": "k1", "name": "find", "arguments": {"q": "zqinputzq"}}],
              "finish_reason": "tool_call"}]
        ),
        "gen_ai.tool.definitions": json.dumps([{"name": "find", "description": "zqtoolzq"}]),
        "odd.key": "zqoddzq",
        **more,
    }  # fmt: skip
    return Span(
        "t" * 32, "a" * 16, None, "chat gpt-4o", 10**18, 10**18 + 10**9, attributes,
        resource={"service.name": "bot", "process.command_args": ["zqfilezq"]}, failed=True,
        message="HTTP error 429 zqerrorzq",
        events=[SpanEvent("exception", None, {"exception.message": "zqerrorzq", "exception.stacktrace": "zqtracezq"})],
    )  # fmt: skip


TOOL = Span(
    "t" * 32, "b" * 16, "a" * 16, "execute_tool find", 10**18, 10**18 + 10**9,
    {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "find",
     "gen_ai.tool.call.arguments": '{"q":"zqinputzq"}', "gen_ai.tool.call.result": "zqoutputzq"},
)  # fmt: skip


def test_spans_hold_no_text_before_their_trace_is_complete() -> None:
    log = LogRecord("gen_ai.user.message", None, "t" * 32, "a" * 16, {"content": "zqtextzq"}, {"content": "zqtextzq"})
    spans, logs = privacy.strip_spans([model_span(), TOOL], [log], METADATA)
    said = json.dumps([asdict(span) for span in spans] + [asdict(one) for one in logs], default=str)
    assert not [secret for secret in SECRETS if secret in said]
    events = events_of_trace(spans, logs)
    assert [event.kind for event in events] == [EventKind.USER_MESSAGE, EventKind.AI_RESPONSE, EventKind.TOOL_CALL]
    answer = events[1]
    assert (answer.session_key, answer.model, answer.input_tokens, answer.agent_id) == ("c1", "gpt-4o", 10, "bot")
    assert answer.finish_reason == "tool_calls"
    assert answer.error_type == "RateLimitError"
    assert answer.properties["[Agent] Content Mode"] == "metadata_only"
    assert answer.properties["[Agent] Tool Calls"] == [{"id": "k1", "name": "find"}]
    assert answer.properties["[Agent] Withheld"]["text"] == len("zqoutputzq")
    assert answer.properties["[Agent] System Prompt Length"] == len("zqpromptzq")
    assert answer.properties["[Agent] Tool Definitions Count"] == 1
    assert events[2].name == "find"


def test_stripping_spans_then_mapping_says_what_mapping_then_stripping_says() -> None:
    direct = [privacy.apply(event, METADATA) for event in events_of_trace([model_span(), TOOL])]
    early = events_of_trace(privacy.strip_spans([model_span(), TOOL], [], METADATA)[0])
    for one, other in zip(direct, early, strict=True):
        for name in (
            "kind",
            "session_key",
            "trace_id",
            "name",
            "model",
            "is_error",
            "error_type",
            "input_tokens",
            "text",
            "parts",
        ):
            assert getattr(one, name) == getattr(other, name), name


def test_a_resource_may_ask_for_more_than_the_project() -> None:
    span = model_span()
    span.resource["amplitude.content_mode"] = "metadata_only"
    found = privacy.strip_spans([span], [], privacy.KEEP_ALL)[0][0]
    assert "zqtextzq" not in json.dumps(asdict(found), default=str)
    plain = model_span()
    assert privacy.strip_spans([plain], [], privacy.KEEP_ALL)[0][0] is plain


def test_spans_are_redacted_but_for_who_and_which() -> None:
    mail = "sam@example.org"
    span = model_span(
        **{
            "user.id": mail,
            "note": f"from {mail}",
            "gen_ai.output.messages": json.dumps([{"role": "assistant", "content": f"a\n{mail}"}]),
        }
    )
    span.message = mail
    log = LogRecord("x", None, None, None, {"prompt": mail}, {"content": [mail]})
    (found,), (record,) = privacy.strip_spans([span], [log], rules_of({"redact": True}))
    assert found.attributes["user.id"] == mail
    assert json.loads(found.attributes["gen_ai.output.messages"])[0]["content"] == "a\n[email]"
    assert (found.attributes["note"], found.message) == ("from [email]", "[email]")
    assert (record.attributes, record.body) == ({"prompt": "[email]"}, {"content": ["[email]"]})
    assert span.attributes["note"] == f"from {mail}"


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "gen_ai.prompt",
                "input.value",
                "output",
                "x",
                "llm.input_messages.0.message.content",
                "ai.prompt.messages",
                "tool.parameters",
                "metadata2",
            ]
        ),
        JSON.map(lambda v: json.dumps({"content": v, "z": "zqdeepzq"})),
        max_size=5,
    )
)
def test_no_attribute_carries_text_through(attributes: dict[str, Any]) -> None:
    found = privacy.strip_spans([model_span(**attributes)], [], METADATA)[0][0]
    assert "zqdeepzq" not in json.dumps(asdict(found), default=str)
    again = privacy.strip_spans([found], [], METADATA)[0][0]
    assert again.attributes == found.attributes
