"""`python -m rfguide` is `rfguide`."""

from rfguide.cli import main

if __name__ == "__main__":
    main(prog_name="rfguide")
