"""General pieces from DataFrame to DataFrame (or Arrow to Arrow): no business words, no IO."""
