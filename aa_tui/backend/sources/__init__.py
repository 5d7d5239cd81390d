"""One file per format, each turned into a stream of canonical events. The registry finds a format by content."""
