"""What a stage raises when the data itself forbids going on."""


class Refused(RuntimeError):
    """The data breaks a promise of severity `fail`: nothing of the batch may be published."""
