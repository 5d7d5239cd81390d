"""Monitor's read-model: sums by interval, group and agent, from rollups where they suffice, else from session rows.

Everything is first gathered into `Sums` by (interval, root agent); tiles, charts and tables merge those. Sessions stand
in the bucket of their start; those whose time is unknown or made up are counted apart.
"""
