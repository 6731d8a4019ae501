"""`python3 -m pipelines.provision`: check the Python, then set up."""

import sys

OLDEST, NEWEST = (3, 11), (3, 13)


def main() -> int:
    """Refuse an unsuitable Python in one line, else run every step that is due."""
    found = sys.version_info[:2]
    if not OLDEST <= found <= NEWEST:
        wanted = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
        print(
            f"Python {found[0]}.{found[1]} ({sys.executable}) does not fit: Headrace needs {wanted}. "
            "Run: make setup PYTHON=/path/to/python3",
            file=sys.stderr,
        )
        return 2
    # only now, because an older Python could not parse it
    from pipelines.provision.setup import set_up

    return set_up()


if __name__ == "__main__":
    sys.exit(main())
