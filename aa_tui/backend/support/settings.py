"""What a user, a host or an environment has set: the one list of keys, read lightly or checked strictly.

Later wins: built-in defaults, the host's file, the user's file, `AA_TUI_…` variables, flags. `load_settings_light`
needs the standard library alone (the app reads it before its first frame); `load_settings` checks the same keys with
pydantic-settings and refuses what does not fit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aa_tui.backend.support import paths
from aa_tui.backend.support.errors import ConfigError

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings

PREFIX = "AA_TUI_"
OTHER_VARIABLES = frozenset({"HOME", "HOST_CONFIG", "REQUIRE", "TRACEBACK"})
"""Variables of the program that are no settings: they are read before any settings file, or by the tests."""
SECRET_PREFIX = f"{PREFIX}KEY_"
"""Variables that hold keys of model servers; `judging.providers.keys` alone reads them."""
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


def _choice(default: str, *choices: str) -> Any:
    return field(default=default, metadata={"choices": choices})


def _bounded(default: int, least: int, most: int) -> Any:
    return field(default=default, metadata={"least": least, "most": most})


@dataclass(frozen=True, slots=True)
class Settings:
    """Every key there is. None means: decided by what is found (terminal, login, last use)."""

    store: str | None = None
    """Path or URL of the store."""
    project: str | None = None
    """Name or id of the project to open."""
    user: str | None = None
    """Who acts, in journals and as the default user of imported coding sessions."""
    theme: str | None = None
    ascii: bool | None = None
    """Only ASCII glyphs."""
    mouse: bool = True
    clipboard: str = _choice("auto", "auto", "native", "osc52", "off")
    remote: str = _choice("auto", "auto", "on", "off")
    """Whether the terminal is far away (fewer bytes, no motion)."""
    pager: str | None = None
    editor: str | None = None
    amplitude_limit_mb: int = _bounded(20, 1, 1_000)
    """Largest body the receiver takes from an Amplitude client, in MB after decompression."""
    otlp_limit_mb: int = _bounded(64, 1, 1_000)
    """Largest body the receiver takes from an OpenTelemetry client, in MiB after decompression."""
    on_close: str | None = None
    """Command that `serve` and `import --follow` run for every session that closes; its JSON comes on stdin."""
    on_failed: str | None = None
    """The same only for sessions in which a model call, tool call or span failed."""
    hook_timeout_s: int = _bounded(60, 1, 3_600)
    """Seconds after which such a command is ended."""
    judge_provider: str | None = None
    """Provider of the model that judges for projects that chose none."""
    judge_model: str | None = None
    """Its model, as the provider names it."""
    judge_base_url: str | None = None
    """Its address, where that is not the provider's own."""
    judge_command: str | None = None
    """Program of the provider `command`, with its arguments: the prompt comes on stdin, the reply goes to stdout."""
    keys: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Keys by action id: comma-separated key names, empty to unbind."""


@dataclass(frozen=True, slots=True)
class SettingsProblem:
    """Something set that is not used, and why."""

    place: str
    """File or variable."""
    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.key}: {self.reason}"


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings in force, where each that is not a default came from, and what was not used."""

    values: Settings
    origins: Mapping[str, str]
    problems: tuple[SettingsProblem, ...]


_FIELDS = {one.name: one for one in fields(Settings)}
KEYS = tuple(_FIELDS)


def load_settings_light(
    flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> LoadedSettings:
    """Return the settings in force; what does not fit is left out and reported, never raised.

    Args:
        flags: values given on the command line; None values count as not given.
        environment: in place of the process's.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    problems: list[SettingsProblem] = []
    for place, key, raw in _layers(flags or {}, os.environ if environment is None else environment, problems):
        if key not in _FIELDS:
            problems.append(SettingsProblem(place, key, f"unknown{_nearest(key)}"))
            continue
        try:
            values[key] = _fit(key, raw)
        except ValueError as error:
            problems.append(SettingsProblem(place, key, str(error)))
        else:
            origins[key] = place
    return LoadedSettings(Settings(**values), origins, tuple(problems))


def load_settings(
    flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> LoadedSettings:
    """Return the same settings, checked strictly.

    Raises:
        ConfigError: a value does not fit its key or a file is no TOML; the message names the place. Unknown keys are
            reported in `problems`: an older program may meet a newer file.
    """
    from pydantic import ValidationError

    problems: list[SettingsProblem] = []
    raw: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for place, key, value in _layers(flags or {}, os.environ if environment is None else environment, problems):
        if key not in _FIELDS:
            problems.append(SettingsProblem(place, key, f"unknown{_nearest(key)}"))
            continue
        raw[key], origins[key] = value, place
    unreadable = [problem for problem in problems if not problem.key]
    if unreadable:
        raise ConfigError(str(unreadable[0]), "Correct or remove the file.")
    try:
        checked = settings_model()(**raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        raise ConfigError(
            f"{origins[key]}: {key}: {first['msg']}.", "`aa-tui where` shows which files and variables are read."
        ) from error
    return LoadedSettings(
        Settings(**{key: getattr(checked, key) for key in KEYS if key in raw}), origins, tuple(problems)
    )


@cache
def settings_model() -> type[BaseSettings]:
    """Return the pydantic-settings model of the same keys, with choices as literals; for checks and for its schema."""
    from typing import Literal, get_type_hints

    from pydantic import Field, create_model
    from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

    class GivenOnly(BaseSettings):
        """Takes what it is given: this module has put files, environment and flags in order already."""

        model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid")

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (init_settings,)

    hints = get_type_hints(Settings)
    definitions: dict[str, Any] = {}
    for one in fields(Settings):
        choices = one.metadata.get("choices")
        kind = Literal[choices] if choices else (dict[str, str] if one.name == "keys" else hints[one.name])
        default: Any = {} if one.name == "keys" else one.default
        if "least" in one.metadata:
            default = Field(default, ge=one.metadata["least"], le=one.metadata["most"])
        definitions[one.name] = (kind, default)
    return create_model("SettingsModel", __base__=GivenOnly, **definitions)


def remember(key: str, value: str) -> Path:
    """Set a text key in the user's settings file, leaving its other lines alone; return the file.

    Raises:
        ConfigError: the key is unknown or the file cannot be written.
    """
    import json

    if key not in _FIELDS:
        raise ConfigError(f"There is no setting “{key}”{_nearest(key)}.")
    file = paths.settings_file()
    try:
        before = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
        top = next((number for number, line in enumerate(before) if line.lstrip().startswith("[")), len(before))
        kept = [line for line in before[:top] if line.partition("=")[0].strip() != key]
        if kept and not kept[-1].endswith("\n"):
            kept[-1] += "\n"
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        draft.write_text("".join([*kept, f"{key} = {json.dumps(value)}\n", *before[top:]]), encoding="utf-8")
        draft.replace(file)
    except OSError as error:
        raise ConfigError(f"Cannot write {file}: {error.strerror}.", f"Set {PREFIX}{key.upper()} instead.") from error
    return file


def _layers(
    flags: Mapping[str, Any], environment: Mapping[str, str], problems: list[SettingsProblem]
) -> Iterator[tuple[str, str, Any]]:
    for file in (paths.host_settings_file(), paths.settings_file()):
        for key, value in _read(file, problems).items():
            yield str(file), key, value
    for name, text in sorted(environment.items()):
        key = name.removeprefix(PREFIX)
        if name.startswith(SECRET_PREFIX) or key in OTHER_VARIABLES:
            continue
        if name.startswith(PREFIX) and text != "":
            yield name, key.lower(), text
    for key, value in flags.items():
        if value is not None:
            yield f"--{key}", key, value


def _read(file: Path, problems: list[SettingsProblem]) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        problems.append(SettingsProblem(str(file), "", f"not read: {error}"))
        return {}
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problems.append(SettingsProblem(str(file), "", f"not read: {error}"))
        return {}


def _fit(key: str, raw: Any) -> Any:
    """Return the value a key gets from TOML, a variable or a flag, or raise ValueError in words."""
    one = _FIELDS[key]
    choices = one.metadata.get("choices")
    if key == "keys":
        if not isinstance(raw, Mapping) or not all(isinstance(value, str) for value in raw.values()):
            raise ValueError('must be a table of action = "keys"')
        return MappingProxyType(dict(raw))
    if "bool" in str(one.type):
        text = str(raw).strip().lower()
        if isinstance(raw, bool):
            return raw
        if isinstance(raw, str) and text in _TRUE | _FALSE:
            return text in _TRUE
        raise ValueError("must be true or false")
    if "least" in one.metadata:
        least, most = one.metadata["least"], one.metadata["most"]
        number = int(raw) if isinstance(raw, str) and raw.isascii() and raw.isdigit() else raw
        if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
            raise ValueError(f"must be a whole number from {least} to {most:,}")
        return number
    if not isinstance(raw, str):
        raise ValueError("must be a text in quotes")
    if choices and raw not in choices:
        raise ValueError(f"must be one of {', '.join(choices)}")
    return raw


def _nearest(key: str) -> str:
    import difflib

    close = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.5)
    return f" (did you mean {close[0]}?)" if close else ""
