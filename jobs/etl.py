"""Land, refine and publish the newest deliveries of a domain.  spark-submit jobs/etl.py --domain energy"""

import sys

from pipelines.cli import job

if __name__ == "__main__":
    sys.exit(job(stages=("land", "bronze", "silver", "gold")))
