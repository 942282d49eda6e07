"""Where records come from: Pub/Sub on Dataflow, Pub/Sub elsewhere, files."""
