"""`python -m neuralpaint` is the command `neuralpaint`."""

from neuralpaint.cli import main

if __name__ == "__main__":
    main()
