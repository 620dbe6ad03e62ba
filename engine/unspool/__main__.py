"""`python -m unspool` is the command `unspool`."""

from unspool.cli.main import main

if __name__ == "__main__":
    main()
