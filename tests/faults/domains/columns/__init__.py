"""A delivery whose columns change."""
