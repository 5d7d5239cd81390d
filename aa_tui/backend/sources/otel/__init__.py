"""OpenTelemetry traces of agents: every dialect of spans to the canonical event. HTTP receivers live elsewhere."""
