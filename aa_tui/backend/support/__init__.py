"""Small tools every room may use: clock, ids, money, text at the border, errors, cancel tokens, paths, settings."""
