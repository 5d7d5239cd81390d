"""Built-in signals, one file each: what is asked, what passes, what code alone can say. No model, no store."""
