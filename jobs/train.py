"""Fit, judge and register the models of a domain's tasks.  spark-submit jobs/train.py --domain energy"""

import sys

from pipelines.cli import job

if __name__ == "__main__":
    sys.exit(job(stages=("train", "evaluate", "register")))
