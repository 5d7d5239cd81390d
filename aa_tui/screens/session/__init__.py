"""One session: its screen and what the screen's keys do. The tabs' content is drawn by widgets."""
