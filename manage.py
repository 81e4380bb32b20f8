#!/usr/bin/env python
"""The command line of Sequence Executor: `./manage.py help` lists what there is."""

import sys

if __name__ == "__main__":
    try:
        from config.command_line import main
    except ImportError as error:
        sys.exit(f"{error}. Use .venv/bin/python; `make demo` makes it.")
    except KeyboardInterrupt:
        sys.exit(130)
    main()
