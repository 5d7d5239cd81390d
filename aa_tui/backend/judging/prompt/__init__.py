"""Prompts for judges: a question, a session as marked data, the question and the form of the answer again.

    passages ─► data (masked, marked, JSON) ─► fitting (to the window) ─┐
    definition or questions ─► wording ─────────────────────────────────┴─► assembling ─► Prompt

Calls, replies and evidence are elsewhere in `judging`.
"""

from aa_tui.backend.judging.prompt.assembling import Prompt, TooLong, build_batch_prompt, build_prompt
from aa_tui.backend.judging.prompt.tokens import DEFAULT_WINDOW, estimate_tokens
from aa_tui.backend.judging.prompt.wording import VARIABLE, VARIABLES, Question

__all__ = [
    "DEFAULT_WINDOW",
    "VARIABLE",
    "VARIABLES",
    "Prompt",
    "Question",
    "TooLong",
    "build_batch_prompt",
    "build_prompt",
    "estimate_tokens",
]
