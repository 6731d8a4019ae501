"""Credit and payments: which loans will go bad, and which payments are fraud. The payments are simulated."""
