"""Hostile text through import, store and command line: nothing lost, nothing raised, nothing that drives a terminal."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.ingest.report import ImportOptions
from aa_tui.backend.ingest.sessionise import FACET_CHARS
from aa_tui.backend.model.event import EventKind, Part
from aa_tui.backend.model.filter import Filter, Sort, facet_filter
from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.projects import ProjectService, open_workspace
from aa_tui.backend.service.stores import open_store
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.support.clock import FrozenClock
from aa_tui.backend.support.text import storable
from aa_tui.cli.main import run
from tests import hostile

ALL = hostile.entries()
pytestmark = pytest.mark.skipif(not ALL, reason="shared data absent")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, homes: Path) -> Iterator[Workspace]:
    workspace = hostile.make_store(tmp_path_factory.mktemp("hostile"), ALL)
    yield workspace
    workspace.store.close()


def fresh(folder: Path) -> Workspace:
    store, clock, actor = open_store(f"sqlite:///{folder / 'fresh.db'}"), FrozenClock(hostile.NOW_MS), Actor("ada")
    ProjectService(store, clock).create("p", actor, "UTC")
    return open_workspace(store, "p", actor, clock)


# --- the store -----------------------------------------------------------------------------------------------------


def test_every_text_comes_back_as_it_was(project: Workspace) -> None:
    """But for the one documented step: NUL becomes U+2400, a lone surrogate U+FFFD."""
    number = project.sessions.resolve(hostile.DEEP)
    steps = project.sessions.detail(number).steps
    texts = project.sessions.texts(number, [step.id for step in steps])
    by_turn: dict[int, dict[int, Any]] = {}
    for step in steps:
        by_turn.setdefault(step.turn_no or 0, {})[step.kind] = step
    assert len(by_turn) >= len(ALL)
    # Turns are numbered as they come, and entries come in order.
    said = [step for step in steps if step.kind == EventKind.USER_MESSAGE]
    for entry, step in zip(ALL, said, strict=True):
        wanted = storable(hostile.cut(entry))
        found = {one.part: one.text for one in texts.get(step.id, ())}
        assert found.get(Part.TEXT, "") == wanted, entry["id"]


@pytest.mark.parametrize("kind", [EventKind.TOOL_CALL, EventKind.AI_RESPONSE])
def test_names_and_other_texts_come_back(project: Workspace, kind: EventKind) -> None:
    number = project.sessions.resolve(hostile.DEEP)
    steps = [step for step in project.sessions.detail(number).steps if step.kind == kind]
    texts = project.sessions.texts(number, [step.id for step in steps])
    assert len(steps) == len(ALL)
    for entry, step in zip(ALL, steps, strict=True):
        wanted = storable(hostile.cut(entry))
        found = {one.part: one.text for one in texts[step.id]}
        assert found[Part.ERROR] == wanted, entry["id"]
        if kind == EventKind.TOOL_CALL:
            assert found[Part.INPUT] == wanted
            assert (step.name or "").strip() == wanted[:400].strip()
        else:
            assert found[Part.REASONING] == wanted
            assert (step.model or "").strip() == wanted[:400].strip()


def test_each_session_is_found_by_its_agent_user_and_key(project: Workspace) -> None:
    """Filters, resolving and facets take hostile values as data, never as a query."""
    keys = {row.key for row in project.sessions.first_page(Filter(), Sort(), limit=1000)}
    assert len(keys) == len(ALL) + 1
    for entry in ALL[::3]:
        name = storable(hostile.cut(entry)[:400])
        key = storable(hostile.cut(entry)[:300]) + entry["id"]
        assert project.sessions.rows([project.sessions.resolve(key)])
        if name.strip() == name and len(name) <= FACET_CHARS:
            agent = facet_filter("agent", name)
            found = {row.key for row in project.sessions.first_page(agent, Sort(), limit=1000)}
            assert key in found, entry["id"]
            assert project.sessions.explain_nothing(agent.plus(facet_filter("user", "nobody-at-all"))) is not None


def test_words_of_entries_are_searched_as_words(project: Workspace) -> None:
    number = project.sessions.resolve(hostile.DEEP)
    for entry in ALL[::2]:
        needle = storable(hostile.cut(entry)).strip()[:60]
        if needle:
            assert project.sessions.find(number, needle), entry["id"]


# --- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", [e for e in ALL if hostile.file_bytes(e)], ids=lambda e: str(e["id"]))
def test_files_of_broken_bytes_cost_nothing_but_themselves(entry: hostile.Entry, tmp_path: Path) -> None:
    """The bytes as a whole file, and inside one line among good ones."""
    raw = hostile.file_bytes(entry) or b""
    good = [json.dumps(event).encode() for event in hostile.events(tuple(ALL[:1]))]
    inside = good[0].replace(b'"text": "', b'"text": "' + raw.replace(b'"', b"").replace(b"\n", b" "))
    (tmp_path / "alone.jsonl").write_bytes(raw)
    (tmp_path / "among.jsonl").write_bytes(b"\n".join([*good[1:], inside]))
    workspace = fresh(tmp_path)
    report = workspace.imports.run([tmp_path / "alone.jsonl", tmp_path / "among.jsonl"])
    assert report.events >= len(good) - 1
    workspace.store.close()


def test_file_names_are_no_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file whose name holds sequences, markup and broken bytes is imported; what is said of it is harmless."""
    body = "\n".join(json.dumps(event) for event in hostile.events(tuple(ALL[:1]))).encode() + b"\n{broken\n"
    folder = os.fsencode(tmp_path / "files")
    (tmp_path / "files").mkdir()
    for name in (b"a\x1b[2Jb.jsonl", b"[bold]x[.jsonl", b"$(touch x).jsonl", b"caf\xe9\xff.jsonl", b"x\ny.jsonl"):
        with open(folder + b"/" + name, "wb") as file:  # noqa: PTH123 - a name that is no text
            file.write(body)
    url = f"sqlite:///{tmp_path / 'cli.db'}"
    code = run(["import", str(tmp_path / "files"), "--store", url])
    said = capsys.readouterr()
    assert code in (0, 1), said.err
    assert not hostile.FORBIDDEN.search(printed(said.out + said.err))


# --- the command line ----------------------------------------------------------------------------------------------


def printed(text: str) -> str:
    """Return what was printed without what a page of text may hold: line ends and tabs."""
    return text.replace("\n", "").replace("\t", "")


def cli(project: Workspace, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run a verb on the hostile store; return what it wrote after checking that it can drive no terminal."""
    capsys.readouterr()
    code = run([*words, "--store", project.store.url, "--project", str(project.project.id), "--read-only"])
    said = capsys.readouterr()
    assert code == 0, said.err
    for text in (said.out, said.err):
        found = hostile.FORBIDDEN.search(printed(text))
        assert found is None, repr(text[max(0, found.start() - 40) : found.end() + 20])
    return said.out


def test_list_as_json_holds_the_raw_names(project: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    out = cli(project, capsys, "sessions", "--json", "--limit", "0")
    assert out.isascii()
    keys = {json.loads(line)["key" if '"key"' in line else "id"] for line in out.splitlines()}
    missing = [e["id"] for e in ALL if storable(hostile.cut(e)[:300]) + e["id"] not in keys]
    assert missing == []


def test_list_as_table_and_ids_keeps_one_line_each(project: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(cli(project, capsys, "sessions", "--limit", "0").splitlines()) == len(ALL) + 2
    assert len(cli(project, capsys, "sessions", "--ids", "--limit", "0").splitlines()) == len(ALL) + 1


def test_list_as_csv_has_no_formula(project: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    out = cli(project, capsys, "sessions", "--csv", "--limit", "0")
    rows = list(csv.reader(io.StringIO(out)))
    assert len(rows) == len(ALL) + 2
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@", "\t")) or cell[:2] == "-c"]


def test_one_session_as_text_and_json(project: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    out = cli(project, capsys, "session", hostile.DEEP)
    short = [e for e in ALL if not e.get("gen") and "\n" not in e["text"]]
    missing = [e["id"] for e in short for word in e.get("must_show") or () if "\n" not in word and word not in out]
    assert missing == []
    found = json.loads(cli(project, capsys, "session", hostile.DEEP, "--json"))
    assert len(json.dumps(found)) > 10_000


@pytest.mark.parametrize("words", [("monitor",), ("monitor", "--json"), ("projects",), ("projects", "--json")])
def test_other_verbs(project: Workspace, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    assert cli(project, capsys, *words)


def test_what_is_refused_is_said_harmlessly(project: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """Hostile arguments: as a session, a filter, a project, an address."""
    for entry in ALL[::16]:
        word = storable(hostile.cut(entry))[:300]
        for words in (("session", word), ("sessions", word), ("open", word), ("sessions", "--project", word)):
            capsys.readouterr()
            code = run([*words, "--store", project.store.url])
            said = capsys.readouterr()
            assert code != 70, (entry["id"], words, said.err)
            assert not hostile.FORBIDDEN.search(printed(said.out + said.err)), (entry["id"], words)


# --- files written, logs -------------------------------------------------------------------------------------------


def test_saved_file_drives_no_spreadsheet_and_no_terminal(project: Workspace, tmp_path: Path) -> None:
    from aa_tui.host.exporting import RowFile

    rows = project.sessions.first_page(Filter(), Sort(), limit=1000)
    with RowFile(tmp_path) as saved:
        saved.write(rows[:10])
        saved.write(rows[10:])
    with saved.path.open(encoding="utf-8", newline="") as file:
        read = list(csv.reader(file))
    assert len(read) == len(rows) + 1
    cells = [cell for row in read for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))]
    assert not [cell for cell in cells if hostile.FORBIDDEN.search(cell) or "\n" in cell]


def test_a_file_that_cannot_be_finished_is_not_left_behind(project: Workspace, tmp_path: Path) -> None:
    from aa_tui.host.exporting import RowFile

    with pytest.raises(KeyboardInterrupt), RowFile(tmp_path) as saved:
        saved.write(project.sessions.first_page(Filter(), Sort(), limit=5))
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""), (True, 1), (0.5, 0.5), (-3, -3), (["a", "b"], "a b"), ("plain", "plain"), ("=1+1", "'=1+1"),
        ("-x", "'-x"), ("\x1b[31m=1+1", "'=1+1"), ("\t=1", "'␉=1"), ("a\r\nb", "a⏎b"), ("\x1b]0;x\x07", "␛]0;x␇"),
        (["=1", "b"], "'=1 b"), ("\u202ea", "⟨U+202E⟩a"),
    ],
)  # fmt: skip
def test_a_cell_of_csv(value: object, cell: object) -> None:
    from aa_tui.backend.service.records import csv_cell

    assert csv_cell(value) == cell


def test_crash_log_holds_no_text(tmp_path: Path) -> None:
    from aa_tui.host.crash_log import log_path, write_crash

    secrets = [e["text"] for e in ALL if e["category"] == "secret"]
    assert secrets
    for text in secrets:
        try:
            raise ValueError(text)
        except ValueError as error:
            words = write_crash(error)
        assert text not in words
    log = log_path().read_text(encoding="utf-8")
    assert not [text for text in secrets if text in log]


@pytest.mark.long
@pytest.mark.parametrize("entry", [e for e in ALL if e.get("gen")], ids=lambda e: str(e["id"]))
def test_generated_sizes_are_stored_whole(entry: hostile.Entry, tmp_path: Path) -> None:
    """Megabytes in one field: imported, stored, read back equal."""
    text = hostile.whole(entry)
    event = {
        "event_type": "[Agent] User Message", "user_id": "u", "time": hostile.NOW_MS - 1000,
        "event_properties": {"[Agent] Session ID": "s", "[Agent] Trace ID": "t", "$llm_message": {"text": text}},
    }  # fmt: skip
    (tmp_path / "big.jsonl").write_text(json.dumps(event), encoding="ascii")
    workspace = fresh(tmp_path)
    assert workspace.imports.run([tmp_path / "big.jsonl"], ImportOptions()).events == 1
    number = workspace.sessions.resolve("s")
    (step,) = workspace.sessions.detail(number).steps
    assert workspace.sessions.text(number, step.id, Part.TEXT) == storable(text)
    workspace.store.close()
