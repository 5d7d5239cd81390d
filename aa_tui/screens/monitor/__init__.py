"""Monitor, the landing place: tiles, charts and tables of one project's agents."""
