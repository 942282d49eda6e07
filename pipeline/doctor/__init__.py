"""`python -m pipeline doctor`: is everything there that a job needs? It changes nothing."""
