"""What a test program has and another one needs: programs are no modules, since their names and places are those of suites."""

import importlib.util

from harness.cluster import ROOT


def program(place):
    """The program at tests/PLACE as a module; what it does under its own name alone is not done."""
    spec = importlib.util.spec_from_file_location(place.replace("/", "_").removesuffix(".py"), ROOT / "tests" / place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
