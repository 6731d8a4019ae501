"""A shop that tells its sales a file a day, corrects and withdraws them later: what was said, in which files."""
