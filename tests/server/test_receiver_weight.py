"""Counting what a body would decode to: texts do not count, values do, and damaged messages are refused."""

from __future__ import annotations

import json
import random

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from aa_tui.server.receiver import weight
from aa_tui.server.receiver.bodies import Refused
from aa_tui.server.receiver.limits import ServerLimits
from tests.server.conftest import DATA, KEY, FakeReceiving, opened


def separators(value: object) -> int:
    """Count what the JSON of a value has of commas, colons and opening brackets outside of texts."""
    if isinstance(value, dict):
        return 1 + max(0, len(value) - 1) + len(value) + sum(map(separators, value.values()))
    if isinstance(value, list):
        return 1 + max(0, len(value) - 1) + sum(map(separators, value))
    return 0


@pytest.mark.parametrize("window", [7, 64, 1 << 18])
def test_json_is_counted_outside_of_texts_whatever_the_window(monkeypatch: pytest.MonkeyPatch, window: int) -> None:
    monkeypatch.setattr(weight, "_WINDOW", window)
    chance = random.Random(7)
    texts = ["", "a,b", '{"[:', "\\", '\\",{', "x" * 400, '"' * 9, "ü, 你, {"]
    for _ in range(60):
        value = [
            {chance.choice(texts): chance.choice([*texts, 1, None, [1, [2, {}]]]) for _ in range(4)} for _ in range(9)
        ]
        body = json.dumps(value).encode()
        exact = separators(value)
        assert weight._json_values(body, exact) <= exact
        assert weight._json_values(body, exact - 1) > exact - 1


def test_a_text_full_of_commas_is_one_value() -> None:
    weight.check_json(json.dumps({"text": ", " * 500_000, "more": ["[{" * 500_000]}).encode(), 10)
    weight.check_json(b'{"broken": "' + b"," * 100_000, 10)
    with pytest.raises(Refused) as refused:
        weight.check_json(b"[" + b"{}," * 50 + b"{}]", 10)
    assert refused.value.status == 413


def test_real_requests_weigh_little() -> None:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    for file in sorted((DATA / "otlp_wire").glob("*.otlp.json")):
        body = file.with_name(file.name.replace(".otlp.json", ".bin")).read_bytes()
        parsed = (ExportLogsServiceRequest if "logs_2" in file.name else ExportTraceServiceRequest).FromString(body)
        fields = weight._protobuf_fields(body, "logs" if "logs_2" in file.name else "traces", 10**9)
        assert fields == _fields(parsed), file.name


def _fields(message: object) -> int:
    """Count a parsed message's fields, each element of a repeated one."""
    count = 0
    for field, value in message.ListFields():  # type: ignore[attr-defined]
        for one in value if field.is_repeated else [value]:
            count += 1 + (_fields(one) if field.message_type is not None else 0)
    return count


@pytest.mark.parametrize("body", [b"\n\x05ab", b"\n", b"\x0b\x0c", b"\xff" * 20, b"\r\x01", b"\n\x02\x12\x05"])
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        weight.check_protobuf(body, "traces", 100)
    assert refused.value.status == 400


async def test_large_bodies_of_many_values_are_not_decoded(fake: FakeReceiving) -> None:
    limits = ServerLimits(large_bytes=1000, most_values=1000)
    async with opened(fake, limits=limits) as door:
        for path in ("/2/httpapi", "/v1/logs"):
            answer = await door.send(
                path, b'{"api_key":"%s","events":[' % KEY.encode() + b"1," * 3000 + b"1]}", x_api_key=KEY
            )
            assert answer.status_code == 413
        answer = await door.send("/v1/traces", b"\n\x00" * 1500, content_type="application/x-protobuf", x_api_key=KEY)
        assert (answer.status_code, fake.bodies) == (413, [])
        long_text = json.dumps({"text": ",{" * 3000}).encode()
        assert (await door.send("/v1/traces", long_text, x_api_key=KEY)).status_code == 200
