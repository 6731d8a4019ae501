"""Score new cut-offs, decide on them and deliver the decisions.  spark-submit jobs/decide.py --domain energy"""

import sys

from pipelines.cli import job

if __name__ == "__main__":
    sys.exit(job(stages=("score", "decide", "act")))
