"""The command line: starting the app, and headless twins of what its screens show. No terminal widgets, no SQL."""
