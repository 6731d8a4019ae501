"""Compact a domain's tables and delete old versions' files.  spark-submit jobs/maintain.py --domain energy"""

import sys

from pipelines.cli import main

if __name__ == "__main__":
    sys.exit(main(["maintain", *sys.argv[1:]]))
