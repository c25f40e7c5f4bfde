"""The command `neuralpaint`, which `python -m neuralpaint` is too."""

try:
    from neuralpaint.utils import startup
except KeyboardInterrupt:
    raise SystemExit(130) from None


def main() -> None:
    """Entry point of the console script: takes care of Ctrl-C before it imports the rest."""
    startup.begin()
    from neuralpaint.cli import main as run

    try:
        run()
    finally:
        startup.end()


if __name__ == "__main__":
    main()
