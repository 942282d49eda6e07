"""The memory of people on one machine: a file, and what this process holds of it."""
