"""``python -m herntrack``."""

from herntrack.cli.app import main

if __name__ == "__main__":
    main()
