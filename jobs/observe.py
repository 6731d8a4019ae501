"""Value decisions whose outcome is known; measure freshness.  spark-submit jobs/observe.py --domain energy"""

import sys

from pipelines.cli import job

if __name__ == "__main__":
    sys.exit(job(stages=("observe",)))
