"""``python -m memductance``."""

from memductance.cli import main

if __name__ == "__main__":
    main()
