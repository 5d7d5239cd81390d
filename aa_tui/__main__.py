"""`python -m aa_tui` is the command line; nothing else lives here."""

from aa_tui.cli.main import main

if __name__ == "__main__":
    main()
