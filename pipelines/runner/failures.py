"""Failures with a message for the user; anything else is a defect of ours and keeps its stack trace."""

from pipelines.contracts.fits import FitError
from pipelines.contracts.names import DeclarationError
from pipelines.io.delta_log import WarehouseError
from pipelines.io.landing import LandingError
from pipelines.io.ledger_schema import LedgerError
from pipelines.io.lock import LockError
from pipelines.io.session import SessionError
from pipelines.io.tracking import TrackingError
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
