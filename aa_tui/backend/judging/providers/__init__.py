"""The registry of model providers: what each is called, where it lives, which key it takes. No client lives here."""
