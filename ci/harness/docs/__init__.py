"""The documents: their commands, run and recorded, and their links."""
