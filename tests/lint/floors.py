"""Files in floors: within a folder of the product, no two .c files use each other's functions, over any number of steps."""

import re

from source_files import PRODUCT, line_of, text_of, without_comments_and_strings

FUNCTION = re.compile(r"^(?!static\b)[A-Za-z_][\w \t*]*?\b(\w+)\([^;{}]*\)\s*\{", re.M)
TABLE = re.compile(r"^(?!static\b|extern\b)[A-Za-z_][\w \t*]*?\b(\w+)(?:\[[^\]]*\])? = ", re.M)
OWN = re.compile(r"^static\b[\w \t*]*?\b(\w+)(?:\(|\[|;| = )", re.M)
NAME = re.compile(r"(?<![.>\w])(?:(?:struct|enum)\s+)?[A-Za-z_]\w*")  # not a field; a type is no use
MACRO = re.compile(r"^#define (\w+)((?:.*\\\n)*.*)", re.M)


def macros_of(files):
    """What a macro of a header uses, by its name."""
    texts = [without_comments_and_strings(text_of(path)) for path in files if path.suffix == ".h" and path.parts[0] in PRODUCT]
    return {match.group(1): NAME.findall(match.group(2)) for text in texts for match in MACRO.finditer(text)}


def arrows_of(paths, macros):
    """{file: {file that it uses: (line, name)}}, for files of one folder."""
    texts = {path: without_comments_and_strings(text_of(path)) for path in paths}
    home = {}
    for path, text in texts.items():
        for match in (*FUNCTION.finditer(text), *TABLE.finditer(text)):
            home[match.group(1)] = path
    arrows = {path: {} for path in paths}
    for path, text in texts.items():
        own = set(OWN.findall(text))
        for match in NAME.finditer(text):
            for name in (match.group(0), *macros.get(match.group(0), ())):
                below = home.get(name, path)
                if below != path and name not in own:
                    arrows[path].setdefault(below, (line_of(text, match.start()), name))
    return arrows


def floors(files):
    macros = macros_of(files)
    for folder in PRODUCT:
        arrows = arrows_of([p for p in files if p.suffix == ".c" and p.parts[0] == folder], macros)
        done, way = set(), []

        def visit(path):
            if path in done:
                return
            way.append(path)
            for below, (line, name) in arrows[path].items():
                if below in way:
                    yield path, line, f"a circle: {' -> '.join(map(str, way[way.index(below) :]))} -> {below}, by {name}"
                else:
                    yield from visit(below)
            way.pop()
            done.add(path)

        for path in arrows:
            yield from visit(path)
