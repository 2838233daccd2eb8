"""python -m cope_demo: the commands stand in cli/commands.py."""

import sys

from cope_demo.cli.commands import main

if __name__ == "__main__":
    sys.exit(main())
