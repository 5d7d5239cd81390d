"""From canonical events to stored sessions: pricing, dedupe, sessionise, closing, the import pipeline. No formats."""
