"""A meter whose readings lie around leap days and changes of the clock."""
