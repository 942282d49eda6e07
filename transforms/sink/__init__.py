"""Everything about Customer.io's Track API: requests, answers, retries, order, rate."""
