"""Doors over HTTP. They talk to the service only; no SQL, no rule about sessions, no terminal lives here."""
