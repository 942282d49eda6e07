"""The rows: a file each, whose `measure` gives figures."""
