"""The only colours of the program, by meaning, and the attributes that stand in for them where there is no colour.

A style is asked for by what it means (`good`, `muted`, `cursor`…); `style` answers with a text such as `$good` or
`bold reverse` that Textual resolves against the theme in use. Widgets and screens name no colour themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MEANINGS = ("text", "muted", "accent", "good", "bad", "warn", "unknown", "mark", "hit", "line", "agent", "user", "tool")
"""What a style can mean. `muted` is secondary text, `unknown` not known or not scored, `hit` a search match."""

SERIES = ("series-1", "series-2", "series-3", "series-4", "series-5", "series-6")
"""Colours of chart series, in order; the sixth is "other"."""


@dataclass(frozen=True, slots=True)
class Palette:
    """One theme: colours by meaning and, where colour cannot carry the meaning, attributes by meaning."""

    name: str
    title: str
    dark: bool
    ansi: bool
    background: str
    surface: str
    panel: str
    foreground: str
    colours: dict[str, str]
    cursor: tuple[str, str]
    """Foreground and background of the line under the cursor."""
    attributes: dict[str, str] = field(default_factory=dict)
    cursor_style: str = "bold"
    head_style: str = "none"


_ANSI_ATTRIBUTES = {"muted": "dim", "unknown": "dim", "line": "dim", "hit": "reverse", "accent": "bold"}
_MONO_ATTRIBUTES = {
    "muted": "dim",
    "unknown": "dim",
    "line": "dim",
    "accent": "bold",
    "bad": "bold",
    "warn": "bold",
    "mark": "bold",
    "hit": "reverse",
    "agent": "bold",
    "user": "bold underline",
    "tool": "",
}


def _ansi_colours(dark: bool) -> dict[str, str]:
    plain = "ansi_default"
    return {
        "muted": plain,
        "accent": "ansi_cyan" if dark else "ansi_blue",
        "good": "ansi_green",
        "bad": "ansi_red",
        "warn": "ansi_yellow" if dark else "ansi_magenta",
        "unknown": plain,
        "mark": "ansi_magenta",
        "hit": plain,
        "line": plain,
        "agent": "ansi_cyan" if dark else "ansi_blue",
        "user": "ansi_green",
        "tool": "ansi_magenta",
        "series-1": "ansi_cyan" if dark else "ansi_blue",
        "series-2": "ansi_yellow" if dark else "ansi_red",
        "series-3": "ansi_green",
        "series-4": "ansi_magenta",
        "series-5": "ansi_red" if dark else "ansi_cyan",
        "series-6": plain,
    }


PALETTES: dict[str, Palette] = {
    palette.name: palette
    for palette in (
        Palette(
            "dark",
            "Dark",
            True,
            False,
            "#12151a",
            "#191d24",
            "#222832",
            "#d5dae2",
            {
                "muted": "#8590a2",
                "accent": "#5fb3f3",
                "good": "#7ec98f",
                "bad": "#f0787a",
                "warn": "#e5b567",
                "unknown": "#7d8798",
                "mark": "#c8a2f0",
                "hit": "#ffd866",
                "line": "#3a4250",
                "agent": "#7cc4f5",
                "user": "#9fd8a9",
                "tool": "#c8a2f0",
                "series-1": "#5fb3f3",
                "series-2": "#e5b567",
                "series-3": "#7ec98f",
                "series-4": "#c8a2f0",
                "series-5": "#f0787a",
                "series-6": "#8590a2",
            },
            ("#ffffff", "#264b6e"),
        ),
        Palette(
            "light",
            "Light",
            False,
            False,
            "#fbfaf7",
            "#f1efe9",
            "#e6e3da",
            "#24292f",
            {
                "muted": "#66707c",
                "accent": "#0a5fb4",
                "good": "#1c7a3c",
                "bad": "#b3261e",
                "warn": "#8a5a00",
                "unknown": "#646c79",
                "mark": "#7a3fb0",
                "hit": "#8f4a00",
                "line": "#c9c5b9",
                "agent": "#0a5fb4",
                "user": "#1c7a3c",
                "tool": "#7a3fb0",
                "series-1": "#0a5fb4",
                "series-2": "#b36b00",
                "series-3": "#1c7a3c",
                "series-4": "#7a3fb0",
                "series-5": "#b3261e",
                "series-6": "#66707c",
            },
            ("#0b1f33", "#cfe3f7"),
        ),
        Palette(
            "high-contrast",
            "High contrast",
            True,
            False,
            "#000000",
            "#000000",
            "#1c1c1c",
            "#ffffff",
            {
                "muted": "#d0d0d0",
                "accent": "#00e5ff",
                "good": "#5cff5c",
                "bad": "#ff8080",
                "warn": "#ffff00",
                "unknown": "#d0d0d0",
                "mark": "#ff9cff",
                "hit": "#ffff00",
                "line": "#b0b0b0",
                "agent": "#00e5ff",
                "user": "#5cff5c",
                "tool": "#ff9cff",
                "series-1": "#00e5ff",
                "series-2": "#ffff00",
                "series-3": "#5cff5c",
                "series-4": "#ff9cff",
                "series-5": "#ff8080",
                "series-6": "#d0d0d0",
            },
            ("#000000", "#ffff00"),
            attributes={"hit": "reverse"},
        ),
        Palette(
            # Okabe and Ito's set: told apart with the common kinds of colour blindness.
            "colour-blind",
            "Colour-blind safe",
            True,
            False,
            "#12151a",
            "#191d24",
            "#222832",
            "#dfe3ea",
            {
                "muted": "#8f99a8",
                "accent": "#56b4e9",
                "good": "#56b4e9",
                "bad": "#e69f00",
                "warn": "#f0e442",
                "unknown": "#8f99a8",
                "mark": "#cc79a7",
                "hit": "#f0e442",
                "line": "#3a4250",
                "agent": "#56b4e9",
                "user": "#4fd0a8",
                "tool": "#cc79a7",
                "series-1": "#56b4e9",
                "series-2": "#e69f00",
                "series-3": "#4fd0a8",
                "series-4": "#cc79a7",
                "series-5": "#f0e442",
                "series-6": "#8f99a8",
            },
            ("#ffffff", "#1f4f78"),
            attributes={"bad": "bold"},
        ),
        Palette(
            "ansi-dark",
            "Terminal's own colours, dark",
            True,
            True,
            "ansi_default",
            "ansi_default",
            "ansi_default",
            "ansi_default",
            _ansi_colours(dark=True),
            ("ansi_black", "ansi_cyan"),
            attributes=_ANSI_ATTRIBUTES,
            # Many terminals draw bold black as grey.
            cursor_style="none",
        ),
        Palette(
            "ansi-light",
            "Terminal's own colours, light",
            False,
            True,
            "ansi_default",
            "ansi_default",
            "ansi_default",
            "ansi_default",
            _ansi_colours(dark=False),
            ("ansi_bright_white", "ansi_blue"),
            attributes=_ANSI_ATTRIBUTES,
        ),
        Palette(
            "mono",
            "No colour",
            True,
            True,
            "ansi_default",
            "ansi_default",
            "ansi_default",
            "ansi_default",
            dict.fromkeys((*MEANINGS[1:], *SERIES), "ansi_default"),
            ("ansi_default", "ansi_default"),
            attributes=_MONO_ATTRIBUTES,
            cursor_style="reverse",
            head_style="bold",
        ),
    )
}
"""The themes by name, in the order the menu shows them."""

DEFAULT = "dark"

_current = PALETTES[DEFAULT]


def fitting(colorfgbg: str) -> str:
    """Return the theme for a terminal whose `COLORFGBG` says so: light on white and the bright colours, else dark.

    Its last field is the background's place among the sixteen colours. The terminal itself is not asked (OSC 11): the
    toolkit takes an answer for typed keys, and waiting for one before it starts would keep the first frame waiting.
    """
    background = colorfgbg.rpartition(";")[2]
    return "light" if background in {"7", *map(str, range(9, 16))} else DEFAULT


def use(name: str) -> Palette:
    """Make a theme current for `style`. KeyError for a name that is not a theme."""
    global _current
    _current = PALETTES[name]
    return _current


def current() -> Palette:
    """The theme in use."""
    return _current


def style(meaning: str, extra: str = "") -> str:
    """Return the style text of a meaning in the current theme, with extra attributes: `$good`, `dim`, `$bad bold`.

    Beside `MEANINGS` there are `cursor` (the line under the cursor) and `chip` (a part of a filter).
    """
    palette = _current
    parts = [palette.attributes.get(meaning, "")]
    if meaning == "chip":
        parts = ["underline"] if palette.ansi else ["$accent on $panel"]
    elif meaning == "cursor":
        parts = [palette.cursor_style if palette.cursor_style != "none" else ""]
        if palette.name != "mono":
            parts.append("$cursor-fg on $cursor-bg")
    elif meaning != "text" and palette.name != "mono":
        parts.append(f"${meaning}")
    parts.append(extra)
    return " ".join(part for part in parts if part)


def variables(palette: Palette) -> dict[str, str]:
    """Return the CSS variables of a theme: a colour per meaning and a text style per meaning (`$muted-style`)."""
    values = dict(palette.colours)
    values |= {f"{name}-style": palette.attributes.get(name) or "none" for name in MEANINGS}
    values |= {
        "cursor-fg": palette.cursor[0],
        "cursor-bg": palette.cursor[1],
        "cursor-style": palette.cursor_style,
        "head-style": palette.head_style,
        # Textual's own rules for themes in the terminal's colours refer to these two.
        "ansi-background": palette.background,
        "ansi-foreground": palette.foreground,
        "footer-key-foreground": palette.colours["accent"],
        "scrollbar": palette.colours["line"],
        "scrollbar-hover": palette.colours["muted"],
        "scrollbar-active": palette.colours["accent"],
        "scrollbar-background": palette.background,
        "scrollbar-background-hover": palette.background,
        "scrollbar-background-active": palette.background,
        "scrollbar-corner-color": palette.background,
        "border-blurred": palette.colours["line"],
        "block-cursor-foreground": palette.cursor[0],
        "block-cursor-background": palette.cursor[1],
        "input-cursor-background": palette.foreground,
        "input-cursor-foreground": palette.background,
        "input-selection-background": palette.cursor[1],
        "input-selection-foreground": palette.cursor[0],
        "screen-selection-background": palette.cursor[1],
        "screen-selection-foreground": palette.cursor[0],
    }
    if palette.name == "mono":
        values["input-cursor-text-style"] = "reverse"
    return values
