"""Widgets: plain values in, messages out. They know no service, no store and no screen."""
