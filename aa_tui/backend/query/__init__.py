"""Reading: filters compiled to SQL, and the read-models each view is made of. Writes nothing."""
