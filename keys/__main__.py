"""`python -m keys`: the key ceremony."""

from keys.cli import run

if __name__ == "__main__":
    run()
