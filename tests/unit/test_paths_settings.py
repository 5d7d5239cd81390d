"""Where files live and what is set: order of layers, types, problems in words, remembering."""

from __future__ import annotations

from pathlib import Path

import pytest

from aa_tui.backend.support import paths, settings
from aa_tui.backend.support.errors import ConfigError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AA_TUI_HOME", str(tmp_path))
    monkeypatch.setenv("AA_TUI_HOST_CONFIG", str(tmp_path / "host.toml"))
    return tmp_path


def user_file(text: str) -> None:
    paths.settings_file().parent.mkdir(parents=True, exist_ok=True)
    paths.settings_file().write_text(text, encoding="utf-8")


def test_one_variable_moves_every_folder(home: Path) -> None:
    places = {paths.data_dir(), paths.config_dir(), paths.state_dir(), paths.cache_dir(), paths.log_dir()}
    assert len(places) == 5
    assert all(place.parent == home for place in places)
    assert not any(place.exists() for place in places), "asking creates nothing"


def test_platform_folders_follow_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AA_TUI_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere/data")
    assert str(paths.default_store_path()).endswith("aa-tui/store.db")
    assert paths.demo_store_path() != paths.default_store_path()


def test_later_layers_win() -> None:
    paths.host_settings_file().write_text('store = "host"\ntheme = "host"\nproject = "host"\nuser = "host"\n')
    user_file('theme = "user"\nproject = "user"\nuser = "user"\n')
    loaded = settings.load_settings_light(
        {"user": "flag", "theme": None}, {"AA_TUI_PROJECT": "variable", "AA_TUI_USER": "variable"}
    )
    values = loaded.values
    assert (values.store, values.theme, values.project, values.user) == ("host", "user", "variable", "flag")
    assert loaded.origins["user"] == "--user" and loaded.origins["project"] == "AA_TUI_PROJECT"
    assert loaded.problems == ()


def test_nothing_set_is_all_defaults() -> None:
    assert settings.load_settings_light({}, {}) == settings.LoadedSettings(settings.Settings(), {}, ())
    assert settings.load_settings({}, {}).values == settings.Settings()


@pytest.mark.parametrize("load", [settings.load_settings_light, settings.load_settings])
def test_both_ways_of_reading_agree_on_what_fits(load: object) -> None:
    user_file('mouse = false\nclipboard = "osc52"\n[keys]\nquit = "q,ctrl+q"\n')
    values = load({}, {"AA_TUI_ASCII": "yes"}).values  # type: ignore[operator]
    assert (values.mouse, values.ascii, values.clipboard, dict(values.keys)) == (
        False,
        True,
        "osc52",
        {"quit": "q,ctrl+q"},
    )


def test_unknown_keys_are_named_with_the_nearest() -> None:
    user_file('tehme = "mono"\nqqqq = 1\n')
    (first, second, third) = settings.load_settings_light({}, {"AA_TUI_MOUS": "0"}).problems
    assert str(first).endswith("tehme: unknown (did you mean theme?)")
    assert second.reason == "unknown"
    assert (third.place, third.reason) == ("AA_TUI_MOUS", "unknown (did you mean mouse?)")


def test_variables_that_are_no_settings_are_left_alone() -> None:
    assert settings.load_settings_light({}, {"AA_TUI_REQUIRE": "postgres", "AA_TUI_HOME": "/x"}).problems == ()


@pytest.mark.parametrize(
    "text", ['mouse = "maybe"', "theme = 3", 'clipboard = "fax"', 'keys = "q"', "[keys]\nquit = 1", "broken ="]
)
def test_what_does_not_fit_is_skipped_lightly_and_refused_strictly(text: str) -> None:
    user_file(text)
    light = settings.load_settings_light({}, {})
    assert light.values == settings.Settings()
    assert len(light.problems) == 1 and str(paths.settings_file()) in str(light.problems[0])
    with pytest.raises(ConfigError) as caught:
        settings.load_settings({}, {})
    assert str(paths.settings_file()) in caught.value.message


def test_remember_sets_one_key_and_keeps_the_rest() -> None:
    user_file('# mine\ntheme = "mono"\nstore = "old"\n[keys]\nquit = "q"')
    settings.remember("store", 'sqlite:////var/tmp/a "b".db')
    text = paths.settings_file().read_text()
    assert text.startswith("# mine\n")
    values = settings.load_settings({}, {}).values
    assert (values.theme, values.store, dict(values.keys)) == ("mono", 'sqlite:////var/tmp/a "b".db', {"quit": "q"})


def test_remember_makes_the_file_and_refuses_unknown_keys() -> None:
    settings.remember("project", "billing")
    assert settings.load_settings_light({}, {}).values.project == "billing"
    with pytest.raises(ConfigError, match="did you mean project"):
        settings.remember("projet", "x")


def test_reading_lightly_imports_nothing_heavy() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from aa_tui.backend.support.settings import load_settings_light; load_settings_light(); "
        "sys.exit(','.join({'pydantic', 'pydantic_settings', 'typer'} & set(sys.modules)) or 0)"
    )
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0
