"""Judging one session by an evaluator or the signals: prompts, calls, replies, evidence. No store, no runs."""
