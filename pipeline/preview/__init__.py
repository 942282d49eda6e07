"""What each record of a file would become, and why: shown without sending anything."""
