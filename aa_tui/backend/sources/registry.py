"""Which formats are read, which file is which, and which files of a folder are looked at. No format lives here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from aa_tui.backend.sources import csv_events, mapped, reading
from aa_tui.backend.sources.amplitude_jsonl import AMPLITUDE
from aa_tui.backend.sources.checkpoints import CHECKPOINTS
from aa_tui.backend.sources.claude_code import CLAUDE_CODE
from aa_tui.backend.sources.codex import CODEX
from aa_tui.backend.sources.contract import Head, Source, Spread
from aa_tui.backend.sources.copilot_cli import COPILOT_CLI
from aa_tui.backend.sources.csv_events import CSV_EVENTS
from aa_tui.backend.sources.cursor import CURSOR
from aa_tui.backend.sources.droid import DROID
from aa_tui.backend.sources.gemini_cli import GEMINI_CLI
from aa_tui.backend.sources.inspect_logs import INSPECT
from aa_tui.backend.sources.langfuse import LANGFUSE
from aa_tui.backend.sources.langsmith import LANGSMITH
from aa_tui.backend.sources.opencode import OPENCODE
from aa_tui.backend.sources.openhands import OPENHANDS
from aa_tui.backend.sources.otel.files import CLAUDE_CODE_TELEMETRY, OTEL
from aa_tui.backend.sources.pi import PI
from aa_tui.backend.sources.refchecker import REFCHECKER
from aa_tui.backend.sources.swe_agent import SWE_AGENT
from aa_tui.backend.sources.tau2_bench import TAU2_BENCH
from aa_tui.backend.sources.tau2_judge import TAU2_JUDGE
from aa_tui.backend.sources.tau_bench import TAU_BENCH
from aa_tui.backend.sources.who_and_when import WHO_AND_WHEN
from aa_tui.backend.support.errors import NotFound, UsageError

SOURCES: tuple[Source, ...] = (
    CLAUDE_CODE,
    CHECKPOINTS,
    CODEX,
    GEMINI_CLI,
    PI,
    TAU_BENCH,
    TAU2_BENCH,
    TAU2_JUDGE,
    COPILOT_CLI,
    CURSOR,
    DROID,
    OPENCODE,
    OPENHANDS,
    SWE_AGENT,
    WHO_AND_WHEN,
    REFCHECKER,
    OTEL,
    CLAUDE_CODE_TELEMETRY,
    INSPECT,
    LANGFUSE,
    LANGSMITH,
    CSV_EVENTS,
    AMPLITUDE,
)
"""In the order in which a file is offered to them; at most one should say yes."""

_SHAPES: tuple[tuple[str, frozenset[str]], ...] = (
    ("Claude Code transcripts", frozenset({"type", "uuid", "parentUuid", "sessionId", "message", "timestamp"})),
    ("Claude Code checkpoints", frozenset({"checkpoint_id", "session_id", "strategy", "files_touched"})),
    ("Codex rollouts", frozenset({"timestamp", "type", "payload"})),
    ("Gemini CLI chats", frozenset({"sessionId", "projectHash", "messages", "startTime"})),
    ("pi sessions", frozenset({"type", "id", "timestamp", "cwd", "provider", "modelId"})),
    ("tau-bench trajectories", frozenset({"task_id", "trial", "reward", "info", "traj"})),
    ("tau2-bench results", frozenset({"timestamp", "info", "tasks", "simulations"})),
    ("judge run summaries", frozenset({"total_judged", "agree_count", "disagree_count", "entries"})),
    ("raw judge replies", frozenset({"simulation_id", "judge_response", "judge_prompt_name", "judge_model"})),
    ("Copilot CLI events", frozenset({"type", "data", "id", "timestamp", "parentId"})),
    ("Cursor transcripts", frozenset({"role", "message"})),
    ("Factory Droid sessions", frozenset({"type", "id", "title", "cwd", "owner", "version"})),
    ("Factory Droid streams", frozenset({"type", "session_id", "timestamp", "role", "text"})),
    ("OpenCode sessions", frozenset({"id", "projectID", "directory", "title", "time", "version"})),
    ("OpenCode messages", frozenset({"id", "sessionID", "role", "time"})),
    ("OpenCode parts", frozenset({"id", "messageID", "sessionID", "type"})),
    ("OpenHands model-call logs", frozenset({"messages", "response", "cost", "latency_sec", "kwargs"})),
    ("SWE-agent trajectories", frozenset({"environment", "trajectory", "history", "info"})),
    ("Who&When runs", frozenset({"history", "question", "ground_truth", "mistake_agent", "mistake_step"})),
    ("RefChecker claims", frozenset({"id", "response", "claude2_response_kg"})),
    ("OpenTelemetry (OTLP) JSON", frozenset({"resourceSpans"})),
    ("Jaeger traces", frozenset({"data", "total", "limit", "offset", "errors"})),
    ("any-agent traces", frozenset({"spans", "final_output"})),
    ("Claude Code telemetry", frozenset({"_type", "ts", "scope", "name", "attrs", "resource"})),
    ("Langfuse traces", frozenset({"trace", "observations"})),
    ("LangSmith runs", frozenset({"post", "patch"})),
    ("Inspect logs", frozenset({"version", "status", "eval", "plan", "results", "samples"})),
    ("Amplitude events", frozenset({"event_type", "event_properties", "user_id", "time"})),
    ("Amplitude request bodies", frozenset({"api_key", "events"})),
)

_SKIPPED_FOLDERS = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv"})
_SKIPPED_NAMES = ("readme", "license", "notice", "changelog")
_SKIPPED_ENDINGS = frozenset(
    [
        ".bmp",
        ".css",
        ".csv",
        ".db",
        ".gif",
        ".heic",
        ".htm",
        ".html",
        ".ico",
        ".jpeg",
        ".jpg",
        ".js",
        ".lock",
        ".md",
        ".parquet",
        ".pdf",
        ".png",
        ".py",
        ".sqlite",
        ".svg",
        ".tar",
        ".toml",
        ".ts",
        ".tsv",
        ".webp",
        ".whl",
        ".yaml",
        ".yml",
        ".zip",
    ]
)
_COMMON_MEMBERS = frozenset({"type", "id", "timestamp", "message", "info", "events", "time"})
"""Members that half of all formats have; they say nothing by themselves."""
_NEAR = 0.4
_MOST_KEYS = 8


def detect(path: Path) -> Source | None:
    """Return the source that reads a file, judged by its content, or None.

    Raises:
        OSError: the file cannot be opened or read.
    """
    return detect_head(reading.head_of(path))


def detect_head(head: Head) -> Source | None:
    """Return the source that recognises a file's head, or None."""
    return next((source for source in SOURCES if source.sniff(head)), None)


def by_name(name: str) -> Source:
    """Return the source called `name`, or the one that a mapping file describes when `name` is the path of one.

    Raises:
        UsageError: there is none, and the hint lists all; or the mapping file is wrong, and the reason says where.
    """
    if name.endswith(mapped.SUFFIX):
        return mapped.load(Path(name).expanduser(), frozenset(source.name for source in SOURCES))
    for source in SOURCES:
        if source.name == name:
            return source
    raise UsageError(f'There is no format "{name}".', f"Formats: {', '.join(source.name for source in SOURCES)}.")


def explain_unknown(path: Path) -> str:
    """Say in one sentence what a file that no source recognises looks like, and which formats are nearest.

    Raises:
        OSError: the file cannot be opened or read.
    """
    head = reading.head_of(path)
    if not head.start.strip():
        return "the file is empty"
    shape = reading.outline(head)
    if not shape.opening:
        return _explain_text(head)
    if not shape.keys:
        return "JSON, but not of objects"
    layout = "a JSON array of objects" if shape.opening == "[" else "JSON objects"
    known = sorted(shape.keys)
    shown = ", ".join(known[:_MOST_KEYS]) + (", …" if len(known) > _MOST_KEYS else "")
    seen = f"{layout} with the members {shown}"
    telling = shape.keys - _COMMON_MEMBERS
    near = sorted(
        ((len(keys & shape.keys) / len(keys), title) for title, keys in _SHAPES if keys & telling), reverse=True
    )
    nearest = [title for likeness, title in near if likeness >= _NEAR][:2]
    return f"{seen}: nearest to {' and '.join(nearest)}" if nearest else f"{seen}: no format is near"


def _explain_text(head: Head) -> str:
    if b"\x00" in head.start:
        return "binary data, not JSON"
    columns = csv_events.guess(csv_events.header_of(head))
    needed = {"event_type": "the event's name", "time": "its time", "user_id": "its user"}
    lacking = [words for meaning, words in needed.items() if meaning not in columns]
    if not columns or not lacking:
        return "text, but not JSON"
    return f"text, but not JSON; as a table of events it lacks a column for {' and '.join(lacking)}"


def walk(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files of files and folders, each once, in a stable order.

    A file that is named is always yielded; inside folders papers, pictures, code and version control are passed over.
    Of files that are read together (`contract.Spread`) only the one that stands for them is yielded, in the place of
    the first of them.

    Raises:
        NotFound: a path does not exist.
    """
    seen: set[str] = set()
    leads = [source.leads() for source in SOURCES if isinstance(source, Spread)]
    for path in paths:
        if path.is_dir():
            found = _files_below(path)
        elif path.exists():
            found = iter((path,))
        else:
            raise NotFound(f"There is no file or folder {path}.")
        for file in found:
            file = next((lead for find in leads if (lead := find(file)) is not None), file)
            key = os.path.realpath(file)
            if key not in seen:
                seen.add(key)
                yield file


def is_passed_over(path: Path, root: Path) -> bool:
    """Return whether a walk of `root` passes over a file or folder below it, by its name or that of a folder above."""
    if any(part in _SKIPPED_FOLDERS for part in path.relative_to(root).parts):
        return True
    lowered = path.name.lower()
    return lowered.startswith(_SKIPPED_NAMES) or Path(lowered.removesuffix(".gz")).suffix in _SKIPPED_ENDINGS


def _files_below(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED_FOLDERS)
        for name in sorted(files):
            file = Path(folder, name)
            if not is_passed_over(file, Path(folder)):
                yield file
