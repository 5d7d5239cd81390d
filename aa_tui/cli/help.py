"""The one screen of `aa-tui --help`, and the completion scripts; each verb's own help is made by Typer. Text only."""

from __future__ import annotations

from aa_tui.backend.support.errors import UsageError
from aa_tui.cli.arguments import VERBS

SCREEN = """\
Agent Analytics for the terminal: read, filter and measure AI agent sessions.

  aa-tui demo                               look around in a sample project
  aa-tui import ~/.claude/projects          bring transcripts in; without a path it looks for them
  aa-tui                                    open the app
  aa-tui sessions 'agent:billing since:7d' --json

Look
  (nothing)            the app; a place opens there: aa-tui 'sessions?agents=billing'
  open ADDRESS         the app at a place or a copied link
  demo                 the app on a sample project, in a store of its own

Headless (stdout is data, stderr is talk)
  sessions [FILTER]    one line per session     --json --ids --csv --limit N --sort KEY
  session ID           one session              --json
  monitor [FILTER]     the numbers of Monitor   --range 7d --json
  projects             list; create NAME; set KEY VALUE   --json

Quality
  signals              let a model score closed sessions: on, off, cap, backfill   --yes
  evaluators           list, create, edit, try, activate…   --json --yes --max-cost USD
  judge                the model that judges: show, set, check, key, discover

Data
  import [PATH...]     files or folders         --format F --user NAME --users FILE --json
  serve                live agents over HTTP    --port N --print-unit --print-ssh HOST
  forget               user ID, session ID or expired, for good   --yes
  store                init PATH --group G, info, reindex, rollups

This installation
  where                files and settings       --json
  doctor               what could be wrong      --json
  keys                 all keys of the app
  completion SHELL     bash, zsh or fish

Anywhere: --store PATH  --project NAME  --theme NAME  --ascii  --no-mouse  --read-only
A verb's own help: aa-tui sessions --help.   --version
Exit: 0 fine · 1 nothing imported · 2 usage · 3 store · 4 provider · 70 our fault · 130 interrupted
"""

_BASH = """\
_aa_tui() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}"
  COMPREPLY=( $(compgen -W "{words}" -- "$word") $(compgen -f -- "$word") )
}}
complete -F _aa_tui aa-tui aa
"""
_ZSH = """\
#compdef aa-tui aa
_aa_tui() {{ _alternative 'verbs:verb:({words})' 'files:file:_files'; }}
compdef _aa_tui aa-tui aa
"""
_FISH = """\
complete -c aa-tui -n __fish_use_subcommand -a "{words}"
complete -c aa -n __fish_use_subcommand -a "{words}"
"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def completion(shell: str) -> str:
    """Return the completion script of a shell.

    Raises:
        UsageError: no such shell is known.
    """
    if shell not in _SCRIPTS:
        raise UsageError(f"No completion for “{shell}”.", f"There is one for {', '.join(_SCRIPTS)}.")
    return _SCRIPTS[shell].format(words=" ".join(VERBS))
