"""How a job is put together: settings, sources, graph, ledger, entry points."""
