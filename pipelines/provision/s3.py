"""`python3 -m pipelines.provision.s3`: what Spark needs to keep tables in an object store, into .venv/s3.

Apart from `make setup`, for it is 0.7 GB, and neither a local data root nor a cluster that has its own wants it.
"""

import sys

from pipelines.provision.fingerprint import fingerprint
from pipelines.provision.jars import S3, install_jars
from pipelines.provision.places import Places, default_places
from pipelines.provision.setup import Step, carry_out, provide_java

NEXT = """\
Spark reads and writes s3a:// now. Next: a conf file with root: "s3a://<bucket>/<folder>" and drops, ledger, mlflow and
outbox on this machine or in their own servers (README, "Tables in an object store"), then: headrace run --conf FILE"""


def steps_of(places: Places) -> list[Step]:
    """What makes an object store a place for tables."""
    lock = (places.locks / S3.lock).read_text()
    why = "Hadoop's client for S3 and the AWS SDK (0.7 GB), pinned by sha256, into .venv/s3"
    return [Step("s3", why, fingerprint(lock), lambda: install_jars(S3, places.s3, places, provide_java(places)))]


def main() -> int:
    """Bring the jars where they are not; return the exit status."""
    places = default_places()
    return carry_out(places, lambda: steps_of(places), NEXT)


if __name__ == "__main__":
    sys.exit(main())
