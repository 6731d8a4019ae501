"""The words that a declaration is written in: frozen dataclasses, no Spark, no IO."""
