"""Projects, saved views, notes and settings as decisions: permission, journal, undo, redo, conflict, scope."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.projects import ProjectService, last_project, open_workspace, remember_project
from aa_tui.backend.service.stores import open_store
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.clock import FrozenClock
from aa_tui.backend.support.errors import Ambiguous, Conflict, Forbidden, NotFound, StoreReadOnly, UsageError

NOW = 1_790_000_000_000
ADA, BOB = Actor("ada"), Actor("bob")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("AA_TUI_HOME", str(tmp_path))
    opened = open_store(str(tmp_path / "store.db"))
    yield opened
    opened.close()


@pytest.fixture
def projects(store: Store) -> ProjectService:
    return ProjectService(store, FrozenClock(NOW))


def workspace(store: Store, actor: Actor = ADA, project: str = "default") -> Workspace:
    projects = ProjectService(store, FrozenClock(NOW))
    return Workspace(store, projects.ensure(project, ADA), actor, FrozenClock(NOW))


def test_projects_have_short_ids_and_keys_of_their_own(projects: ProjectService) -> None:
    first, second = projects.create("billing", ADA, "Europe/Zurich"), projects.create("shop", ADA)
    assert (first.id, second.id) == (NOW // 1000 - 1_735_689_600, first.id + 1)
    assert len(first.api_key) == 32 and first.api_key != second.api_key
    assert (first.time_zone, first.sessions, first.newest_ms) == ("Europe/Zurich", 0, None)
    assert [one.name for one in projects.list()] == ["billing", "shop"]


def test_a_project_is_found_by_name_id_and_case(projects: ProjectService) -> None:
    made = projects.create("Billing", ADA)
    assert projects.get("Billing") == projects.get(str(made.id)) == projects.get("billing") == made
    projects.create("BILLING", ADA)
    with pytest.raises(Ambiguous, match="BILLING, Billing"):
        projects.get("billing")
    with pytest.raises(NotFound, match="BILLING, Billing"):
        projects.get("shop")


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "123"])
def test_unusable_project_names_are_refused(projects: ProjectService, name: str) -> None:
    with pytest.raises(UsageError):
        projects.create(name, ADA)


def test_project_rules(projects: ProjectService) -> None:
    projects.create("a", ADA)
    with pytest.raises(Conflict):
        projects.create("a", ADA)
    with pytest.raises(UsageError, match="Mars"):
        projects.create("b", ADA, "Mars/Base")
    with pytest.raises(Forbidden, match="Administer Project"):
        projects.create("b", Actor("eve", "member"))
    assert projects.ensure("a", ADA) == projects.get("a")


def test_counts_come_from_the_facets_and_else_from_the_sessions(projects: ProjectService, store: Store) -> None:
    made = projects.create("a", ADA)
    with store.write() as tx:
        tx.execute(
            "INSERT INTO session(project_id, id, key, sort_at, updated_ms) VALUES (:p, 1, 'k', 77, 0)", {"p": made.id}
        )
    assert (projects.get("a").sessions, projects.get("a").newest_ms) == (1, 77)
    with store.write() as tx:
        for number, value in enumerate(("open", "closed")):
            tx.execute(
                "INSERT INTO facet(project_id, id, key, value, sessions) VALUES (:p, :i, 'state', :v, 20)",
                {"p": made.id, "i": number, "v": value},
            )
    assert projects.get("a").sessions == 40


def test_workspace_takes_the_last_used_then_the_default_project(store: Store, projects: ProjectService) -> None:
    empty = open_workspace(store)
    assert empty.project.name == "default"
    other = projects.create("another", ADA)
    assert open_workspace(store).project.name == "default"
    remember_project(store, other)
    assert last_project(store) == str(other.id)
    assert open_workspace(store).project.name == "another"
    assert open_workspace(store, "default").project.name == "default"


def test_empty_read_only_store_says_so(store: Store, tmp_path: Path) -> None:
    reading = open_store(str(tmp_path / "store.db"), read_only=True)
    with pytest.raises(NotFound, match="no project yet"):
        open_workspace(reading)
    reading.close()


def test_roles_come_from_the_members(store: Store, projects: ProjectService) -> None:
    made = projects.create("a", ADA)
    assert projects.actor(made, "ada").role == "admin"
    with store.write() as tx:
        tx.execute(
            "INSERT INTO member(project_id, name, role, created_ms) VALUES (:p, 'ada', 'manager', 0)", {"p": made.id}
        )
    assert projects.actor(made, "ada").role == "manager"
    assert projects.actor(made, "eve").role == "viewer"


def test_settings_are_journaled_and_undone(store: Store, projects: ProjectService) -> None:
    ws = workspace(store)
    project = projects.set_setting(ws.project, "subscription", True, ADA)
    project = projects.set_setting(project, "time_zone", "Asia/Tokyo", ADA)
    assert (project.settings, project.time_zone) == ({"subscription": True}, "Asia/Tokyo")
    assert ws.views.undo() == "set “time_zone”"
    assert ws.views.undo() == "set “subscription”"
    assert projects.get("default").settings == {}
    with pytest.raises(Forbidden):
        projects.set_setting(project, "subscription", True, Actor("eve", "manager"))


def test_views_are_saved_replaced_shared_and_deleted(store: Store) -> None:
    ada, bob = workspace(store).views, workspace(store, BOB).views
    ada.save("mine", "sessions?q=a")
    ada.save("ours", "sessions?q=b", shared=True)
    bob.save("ours", "monitor")
    assert [(view.owner, view.name) for view in bob.list()] == [("bob", "ours"), ("ada", "ours")]
    ada.save("mine", "sessions?q=c")
    assert next(view.address for view in ada.list() if view.name == "mine") == "sessions?q=c"
    bob.delete("ours")
    with pytest.raises(Forbidden):
        workspace(store, Actor("eve", "member")).views.delete("ours")
    with pytest.raises(NotFound):
        bob.delete("mine")
    bob.delete("ours")
    assert bob.list() == []


def test_views_of_another_project_are_not_seen(store: Store) -> None:
    workspace(store).views.save("mine", "monitor", shared=True)
    assert workspace(store, project="other").views.list() == []


def test_a_viewer_may_not_save(store: Store) -> None:
    viewer = workspace(store, Actor("eve", "viewer")).views
    with pytest.raises(Forbidden, match="Save Views"):
        viewer.save("x", "monitor")
    with pytest.raises(Forbidden, match="Save Views"):
        viewer.add_note(1, "x")


def test_read_only_store_refuses_in_words(store: Store, tmp_path: Path) -> None:
    workspace(store)
    reading = open_store(str(tmp_path / "store.db"), read_only=True)
    with pytest.raises(StoreReadOnly):
        open_workspace(reading).views.save("x", "monitor")
    reading.close()


def test_notes_are_found_by_time_and_come_back(store: Store) -> None:
    views = workspace(store).views
    second, first = views.add_note(200, " deploy 2 \x00"), views.add_note(100, "deploy 1")
    assert [(note.id, note.text) for note in views.notes(0, 300)] == [(first, "deploy 1"), (second, "deploy 2 ␀")]
    assert [note.id for note in views.notes(100, 200)] == [first]
    views.delete_note(first)
    assert [note.id for note in views.notes(0, 300)] == [second]
    assert views.undo() == "delete note “deploy 1”"
    assert [note.id for note in views.notes(0, 300)] == [first, second]
    with pytest.raises(NotFound):
        views.delete_note(12345)
    with pytest.raises(UsageError):
        views.add_note(1, " ")


def test_undo_and_redo_walk_back_and_forth_per_actor(store: Store) -> None:
    ada, bob = workspace(store).views, workspace(store, BOB).views
    ada.save("a", "one")
    ada.save("a", "two")
    bob.save("b", "bob's")
    assert ada.undo() == "save view “a”"
    assert [view.address for view in ada.list()] == ["one"]
    assert ada.undo() == "save view “a”"
    assert ada.undo() is None
    assert ada.list() == [] and len(bob.list()) == 1
    assert ada.redo() == "save view “a”"
    assert [view.address for view in ada.list()] == ["one"]
    assert ada.redo() == "save view “a”"
    assert [view.address for view in ada.list()] == ["two"]
    assert ada.redo() is None
    assert ada.undo() == "save view “a”"
    ada.save("c", "new")
    assert ada.redo() is None, "a new decision ends what could be redone"


def test_undo_is_refused_when_somebody_changed_the_same_thing(store: Store) -> None:
    ada = workspace(store).views
    ada.save("ours", "one", shared=True)
    project = ada.list()[0]
    with store.write() as tx:
        tx.execute("UPDATE saved_view SET address='two' WHERE name='ours'")
    with pytest.raises(Conflict, match="ours"):
        ada.undo()
    assert ada.list() == [project._replace(address="two")]


def test_the_journal_says_who_did_what(store: Store) -> None:
    ws = workspace(store)
    ws.views.save("a", "one")
    ws.views.save("a", "one")
    ws.views.undo()
    with store.reader() as reader:
        rows = reader.fetch("SELECT actor, permission, action, subject, forward FROM journal ORDER BY id")
        data = reader.one("SELECT data_version FROM project")
    assert [row[:4] for row in rows] == [
        ("ada", "Administer Project", "create project", "default"),
        ("ada", "Save Views", "save view", "a"),
        ("ada", "Save Views", "undo", "a"),
    ]
    assert json.loads(rows[1][4])["after"] == {"address": "one", "shared": 0}
    assert data == (2,), "each change is news for other processes; saving the same again is none"
