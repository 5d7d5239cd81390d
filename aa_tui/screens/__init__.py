"""Screens: composition and routing. No SQL, no business rules, no formatting of data."""
