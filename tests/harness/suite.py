"""How a Python suite reports to tests/run: a line `ok NAME` or `not ok NAME: why` for every test."""

import os
import sys
import time
import traceback


class Suite:
    def __init__(self, only=None):
        """only: run tests whose name has one of these in it; None: the words of the command line; none: all."""
        self.failed = 0
        self.only = [a for a in sys.argv[1:] if not a.startswith("-")] if only is None else only

    def run(self, test, *arguments, name=None):
        """Runs one function as a test; its docstring says what it proves."""
        name = name or test.__name__.removeprefix("test_")
        if self.only and not any(o in name for o in self.only):
            return
        began = time.monotonic()
        try:
            note = test(*arguments)
            print(f"ok {name}" + (f" - {note}" if note else "") + f" ({time.monotonic() - began:.1f} s)", flush=True)
        except Exception as e:  # a test may fail in any way; the run goes on
            self.failed += 1
            if os.environ.get("DRAVE_TRACE", "1") == "1":
                traceback.print_exc()
            print(f"not ok {name}: {str(e).splitlines()[0] if str(e) else type(e).__name__}", flush=True)

    def end(self):
        sys.exit(1 if self.failed else 0)
