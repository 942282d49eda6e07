"""The dry run: the whole job over real records, without sending and without acknowledging."""
