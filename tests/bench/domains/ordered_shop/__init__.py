"""The shop again, with its orders laid out by key."""
