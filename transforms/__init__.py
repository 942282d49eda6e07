"""What happens to a record on its way to Customer.io; knows nothing of runners or files."""
