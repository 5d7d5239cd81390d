"""Reading a judge's reply by the contract of the reply corpus, and asking for such a reply. No calls, no prompts."""

from aa_tui.backend.judging.reply.asking import batch_schema, repair_request, reply_schema, reply_shape
from aa_tui.backend.judging.reply.finding import LONGEST
from aa_tui.backend.judging.reply.parsing import BatchReply, parse_batch, parse_reply
from aa_tui.backend.judging.reply.spec import ReplySpec, spec_of

__all__ = [
    "LONGEST",
    "BatchReply",
    "ReplySpec",
    "batch_schema",
    "parse_batch",
    "parse_reply",
    "repair_request",
    "reply_schema",
    "reply_shape",
    "spec_of",
]
