"""What ends the writing of a domain before anything is written."""

from __future__ import annotations


class ScaffoldRefused(ValueError):
    """No domain can be made of what was asked; the message is one line: what, where, what to do."""
