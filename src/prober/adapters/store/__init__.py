"""The store: one SQLite file that remembers everything."""
