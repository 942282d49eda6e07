"""What a laptop needs: a Pub/Sub emulator, a stand-in of Customer.io, sample traffic."""
