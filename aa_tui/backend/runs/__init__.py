"""Judging many sessions: what is due, what it may cost, batches, backfill. How one session is judged is `judging`."""
