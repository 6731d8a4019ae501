"""What this room raises with a message for the user, apart from the libraries that cause it: naming a failure must not
import them."""

from __future__ import annotations


class LeaseError(RuntimeError):
    """Another process works on what this one wanted to work on; the message says which, and what to do."""


class LedgerError(RuntimeError):
    """The ledger cannot be used or refuses; the message says what, where and what to do."""


class TrackingError(RuntimeError):
    """MLflow did not do what was asked; the message is one line: which store, what, why, what to do."""


class WarehouseError(RuntimeError):
    """A table cannot be read or written as asked; the message says which, why and what to do."""


class UnknownNameError(LookupError):
    """What a user asked for by name is not there; the message is one line and lists what is."""
