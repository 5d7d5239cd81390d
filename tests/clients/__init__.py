"""Real clients, unchanged, against a real receiver: the Amplitude SDK, OpenTelemetry exporters and instrumentations."""
