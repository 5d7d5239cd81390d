"""The receiver: Amplitude HTTP and OTLP/HTTP in, one durable row each, answered after the commit.

What a request means is `service.receiving`'s business; here live limits, authentication, encodings and answers.
"""
