"""Failures with a message for the user; anything else is a defect of ours and keeps its stack trace."""

from pipelines.contracts.fits import FitError
from pipelines.contracts.names import DeclarationError
from pipelines.io.failures import LedgerError, TrackingError, WarehouseError
from pipelines.io.landing import LandingError
from pipelines.io.lock import LockError
from pipelines.io.session import SessionError
from pipelines.runner.decide import NoChampion
from pipelines.stages.refusal import Refused

EXPECTED = (
    DeclarationError,
    FitError,
    LandingError,
    LedgerError,
    LockError,
    NoChampion,
    Refused,
    SessionError,
    TrackingError,
    WarehouseError,
)
