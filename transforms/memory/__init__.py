"""A person's memory: the values of a person's properties, for operators that depend on them."""
