"""What the sample's agents work with: models and prices, prompts, times of tools, errors of providers. Data only."""

from __future__ import annotations

from dataclasses import dataclass

from aa_tui.backend.sources.demo import coding, shopping, support
from aa_tui.backend.sources.demo.timeline import CODING, RECIPE, SHOPPING, SUPPORT


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    provider: str
    latency: float
    """Milliseconds before output, typical."""
    per_token: float
    """Milliseconds per output token."""
    price_in: int
    """Nano-dollars per token, as the three below; -1 when the price is unknown."""
    price_cached: int
    price_write: int
    price_out: int


GPT_4O_MINI = Model("gpt-4o-mini", "openai", 620, 11, 150, 75, 150, 600)
GPT_41_MINI = Model("gpt-4.1-mini", "openai", 540, 9, 400, 100, 400, 1600)
GPT_4O = Model("gpt-4o-2024-11-20", "openai", 810, 14, 2500, 1250, 2500, 10_000)
SONNET = Model("claude-sonnet-4-5", "anthropic", 1350, 17, 3000, 300, 3750, 15_000)
OPUS = Model("claude-opus-4-5", "anthropic", 1500, 19, 5000, 500, 6250, 25_000)
FLASH = Model("gemini-2.5-flash", "google", 480, 6, 300, 75, 300, 2500)
LOCAL = Model("qwen3-32b", "vllm", 900, 24, -1, -1, -1, -1)
EMBEDDING = "text-embedding-3-small"

PROMPT = {
    SUPPORT: (support.SYSTEM_PROMPT, 1350),
    CODING: (coding.SYSTEM_PROMPT, 11_200),
    SHOPPING: (shopping.SYSTEM_PROMPT, 1800),
    RECIPE: (shopping.RECIPE_PROMPT, 620),
}
"""System prompt, and tokens of it with the tool definitions."""

TOOL_MS = {
    "lookup_order": 210, "track_parcel": 640, "issue_refund": 880, "run_command": 9500, "read_file": 14,
    "edit_file": 22, "write_file": 19, "search_code": 160, "search_products": 330, "place_order": 720,
}  # fmt: skip
API_ERRORS = (
    ("RateLimitError", "429 Too Many Requests: token limit per minute reached", "provider"),
    ("APIConnectionError", "connection to the model provider was reset", "provider"),
    ("InternalServerError", "500 The server had an error while processing the request", "provider"),
    ("ContextLengthError", "this model's maximum context length is 128000 tokens", "provider"),
)
