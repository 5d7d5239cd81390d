"""What the app does to the machine it runs on: clipboard, pager, files, remembered state, signals. No widgets."""
