"""Tests and measuring programs. A package, because one that is installed beside us ships a package `tests` too."""
