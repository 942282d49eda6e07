"""The job on other engines, for real: Flink with two TaskManagers, and Prism. `make engines`."""
