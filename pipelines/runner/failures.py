"""Failures with a message for the user; anything else is a defect of ours and keeps its stack trace."""

from pipelines.contracts.fits import FitError
from pipelines.contracts.names import DeclarationError
from pipelines.io.failures import LeaseError, LedgerError, TrackingError, WarehouseError
from pipelines.io.landing import LandingError
from pipelines.io.lock import LockError
from pipelines.io.session import SessionError
from pipelines.stages.refusal import Refused


class NoChampion(RuntimeError):
    """No model of the task has passed the gate, so nothing can be scored; the message says what to do."""


class Waiting(RuntimeError):
    """A stage that was asked for lacks what it works on; the message says what, and what to run first."""


class Untold(RuntimeError):
    """What was done is published, but MLflow could not be told, so that part waits; the message says what, and what to
    do. The units after it can go on: with the champion that there is."""


EXPECTED = (
    DeclarationError,
    FitError,
    LandingError,
    LeaseError,
    LedgerError,
    LockError,
    NoChampion,
    Refused,
    SessionError,
    TrackingError,
    Untold,
    Waiting,
    WarehouseError,
)
