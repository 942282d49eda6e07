"""The first run: everything on one machine, from sample records to people and events."""
