"""Finding the format of a file by its content, walking folders, and surviving damaged files of every format."""

from __future__ import annotations

import gzip
import random
import re
from collections import Counter
from pathlib import Path

import pytest

from aa_tui.backend.model.event import AgentEvent, ImportedLabel, ImportedResult, RecordProblem
from aa_tui.backend.sources import registry
from aa_tui.backend.sources.contract import Head, ReadOptions
from aa_tui.backend.sources.reading import head_of
from aa_tui.backend.support.errors import NotFound, UsageError

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
SAMPLES = {
    "codex": "codex-rollouts/codemie/rollout-2026-01-02T18-39-45-019b7f94-51b4-7593-922e-ba12b5b73b52.jsonl.gz",
    "gemini-cli": "gemini-cli-chats/session-2026-01-10T02-08-faff42ab.json",
    "pi": "pi-sessions/before-compaction.jsonl.gz",
    "tau-bench": "tau-bench/gpt-4o-airline.json.gz",
    "tau2-bench": "tau2-bench/gpt-4.1-mini_telecom_one_failed.json.gz",
    "amplitude": "amplitude_sdk_wire/01_two_turn_tools.json",
    "copilot-cli": "agent-cli-fixtures/copilot/small.jsonl.gz",
    "cursor": "agent-cli-fixtures/cursor/large.jsonl",
    "droid": "agent-cli-fixtures/droid/stream_json_large.jsonl.gz",
    "openhands": "openhands-llm-calls/litellm_proxy__anthropic__claude-sonnet-4-20250514-1757015046.707.json.gz",
    "swe-agent": "swe-agent-trajectories/function_calling_simple.traj.gz",
    "who-and-when": "who-and-when/algorithm-generated/099.json.gz",
    "refchecker": "refchecker-claims/dolly_gpt4_answers.json.gz",
    "tau2-judge": "tau2-judge-runs/airline.raw_quick_triage_v1.jsonl.gz",
    "otel": "otel-json-traces/any-agent/GOOGLE_trace.json",
    "claude-code-telemetry": "otel-json-traces/claude-code-telemetry/otel-events.sample.jsonl",
    "inspect": "inspect-logs/2025-05-12T20-28-26-04-00_security-guide.json.gz",
    "langfuse": "langfuse-traces/pydantic-ai-tools-2025-12-04.trace.json.gz",
    "langsmith": "langsmith-runs/langsmith_py_wrap_openai_stream.json",
}

EXPECTED = {
    ("claude-code-team", "claude-code"): 122,
    ("claude-code-team", "agent-checkpoints"): 1,
    ("claude-code-team", "gemini-cli"): 2,
    ("claude-code-nested", "claude-code"): 25,
    ("codex-rollouts", "codex"): 5,
    ("gemini-cli-chats", "gemini-cli"): 4,
    ("pi-sessions", "pi"): 1,
    ("tau-bench", "tau-bench"): 1,
    ("tau2-bench", "tau2-bench"): 9,
    ("tau2-judge-runs", "tau2-bench"): 1,
    ("tau2-judge-runs", "tau2-judge"): 6,
    ("who-and-when", "who-and-when"): 56,
    ("refchecker-claims", "refchecker"): 7,
    ("swe-agent-trajectories", "swe-agent"): 8,
    ("openhands-llm-calls", "openhands"): 1,
    ("agent-cli-fixtures/claude", "claude-code"): 5,
    ("agent-cli-fixtures/copilot", "copilot-cli"): 4,
    ("agent-cli-fixtures/cursor", "cursor"): 5,
    ("agent-cli-fixtures/droid", "droid"): 6,
    ("agent-cli-fixtures/opencode", "opencode"): 3,
    ("inspect-logs", "inspect"): 7,
    ("langfuse-traces", "langfuse"): 11,
    ("langsmith-runs", "langsmith"): 8,
    ("otel-json-traces", "otel"): 10,
    ("otel-json-traces", "claude-code-telemetry"): 1,
    ("otlp_wire", "otel"): 8,
}
"""Files of each folder of the data by the format that reads them; files read together count once."""
OWN: dict[str, set[str]] = {}
for _folder, _name in EXPECTED:
    OWN.setdefault(_folder, set()).add(_name)


def sample(name: str) -> bytes:
    path = DATA / SAMPLES[name]
    if not path.is_file():
        pytest.skip("shared data absent")
    raw = path.read_bytes()
    return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)[:120_000]


def test_each_file_of_the_data_goes_to_one_format_and_only_one() -> None:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    found: Counter[tuple[str, str]] = Counter()
    for path in registry.walk([DATA]):
        head = head_of(path)
        names = [source.name for source in registry.SOURCES if source.sniff(head)]
        assert len(names) <= 1, path
        parts = path.relative_to(DATA).parts
        folder = "/".join(parts[:2]) if parts[0] == "agent-cli-fixtures" else parts[0]
        if names:
            found[folder, names[0]] += 1
    assert EXPECTED.items() <= found.items()
    foreign = {folder: name for folder, name in found if folder in OWN and name not in OWN[folder]}
    assert not foreign
    assert not {folder for folder, _ in found} & {"judge_replies", "hostile_text"}  # no sessions are there


def test_files_read_together_are_walked_once_whichever_is_named() -> None:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    storage = DATA / "agent-cli-fixtures" / "opencode"
    assert len(list(registry.walk([storage]))) == 4  # three sessions and the number of the layout
    session = storage / "storage_v2/session/proj_test/ses_s_stage0_small.json.gz"
    for name in ("message/s_stage0_small/msg_0002.json", "part/m_assistant_small/002.json", "part/m_user_small"):
        assert list(registry.walk([storage / "storage_v2" / name])) == [session]
    legacy = storage / "storage_legacy"
    assert [p.name for p in registry.walk([legacy / "part"])] == ["ses_s_stage0_drift.json.gz"]
    calls = sorted((DATA / "openhands-llm-calls").glob("litellm*"))
    assert list(registry.walk([calls[3], calls[1]])) == [calls[0]]


def test_names() -> None:
    assert registry.by_name("codex") in registry.SOURCES
    assert len({source.name for source in registry.SOURCES}) == len(registry.SOURCES)
    with pytest.raises(UsageError, match="codex, gemini-cli"):
        registry.by_name("nope")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"a,b\n1,2\n", "not JSON"),
        (b"\x00\x01\x02", "binary"),
        (b"[1, 2]", "not of objects"),
        (b'{"trace": {}, "observations": []}', "Langfuse"),
        (b'{"projectHash": "x", "messages": [], "startTime": 0}', "Gemini CLI"),
        (b'{"apples": 1}', "no format is near"),
    ],
)
def test_an_unknown_file_is_explained(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "f"
    path.write_bytes(content)
    assert registry.detect(path) is None
    assert words in registry.explain_unknown(path)


def test_walking_takes_transcripts_once_and_leaves_papers(tmp_path: Path) -> None:
    for name in (
        "b/x.jsonl",
        "a/y.json.gz",
        ".claude/projects/z.jsonl",
        ".git/HEAD.json",
        "README.md",
        "LICENSE",
        "t.csv",
        "p.png",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    found = [str(path.relative_to(tmp_path)) for path in registry.walk([tmp_path, tmp_path / "b", tmp_path / "t.csv"])]
    assert found == [".claude/projects/z.jsonl", "a/y.json.gz", "b/x.jsonl", "t.csv"]
    with pytest.raises(NotFound):
        list(registry.walk([tmp_path / "gone"]))


@pytest.mark.parametrize("name", SAMPLES)
def test_damaged_files_of_each_format_never_raise(name: str, tmp_path: Path) -> None:
    original = sample(name)
    dice = random.Random(name)
    path = tmp_path / "damaged"
    read = 0
    for _ in range(25):
        damaged = bytearray(original[: dice.choice([len(original), len(original) // 2, 3000])])
        for _ in range(dice.choice([1, 20, 200])):
            at = dice.randrange(len(damaged)) if damaged else 0
            damaged[at : at + dice.choice([0, 1, 30])] = dice.choice(
                [b"", b"null", b"7", b'"', b"{", b"]", b"\xff\x00", b"1e999", b"[]"]
            )
        path.write_bytes(bytes(damaged))
        head = head_of(path)
        for source in registry.SOURCES:
            source.sniff(head)
        for item in registry.by_name(name).read(path, ReadOptions()):
            assert isinstance(item, AgentEvent | ImportedLabel | ImportedResult | RecordProblem)
            read += isinstance(item, AgentEvent)
    assert read > 0


@pytest.mark.parametrize("name", SAMPLES)
def test_fields_of_any_type_never_raise(name: str, tmp_path: Path) -> None:
    """Swap values for others of the wrong type, keeping the JSON whole."""
    original = sample(name).decode("utf-8", "replace")
    dice = random.Random(name)
    values = re.compile(r'(?<=:)\s*("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null)')
    path = tmp_path / "swapped"
    for _ in range(12):
        rate = dice.choice([0.02, 0.2, 0.6])
        swapped = values.sub(
            lambda match, rate=rate: (
                dice.choice(["null", "7", "-1e400", '"x"', "[]", "{}", "[{}]", "true", "99999999999999999999"])
                if dice.random() < rate
                else match.group()
            ),
            original,
        )
        path.write_text(swapped)
        head = Head(path, swapped.encode()[:65536])
        for source in registry.SOURCES:
            source.sniff(head)
        for item in registry.by_name(name).read(path, ReadOptions(users={"x": "y"})):
            assert isinstance(item, AgentEvent | ImportedLabel | ImportedResult | RecordProblem)
