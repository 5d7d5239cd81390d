"""Programs as users write them, each run in a process of its own because instrumentation changes libraries for good.

Environment: RECEIVER (URL), KEY (of the project), MODEL_URL (an OpenAI-compatible server on loopback).
"""
