"""A first domain from a file: what its columns are, what may be asked of them, and whether that is worth the work."""
