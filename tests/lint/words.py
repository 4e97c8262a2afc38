"""Words that must not be there: calls that are banned, leftovers, skipped tests, and files that do not say what they are for."""

import re

from source_files import PRODUCT, c_files, line_of, text_of, without_comments_and_strings

# call: (what to use, beginnings of paths that may use it)
EVERYWHERE = {
    "sprintf": ("snprintf", ()),
    "vsprintf": ("vsnprintf", ()),
    "strcpy": ("a length and memcpy, or snprintf", ()),
    "strcat": ("snprintf", ()),
    "gets": ("getline", ()),
    "atoi": ("strtol, and check it", ()),
    "atol": ("strtol, and check it", ()),
    "atof": ("strtod, and check it", ()),
    "alloca": ("mem_alloc", ()),
    "assert": ("CHECK of base/check.h, or cmocka's assert_true", ()),
}
IN_PRODUCT = {
    "malloc": ("mem_alloc", ("base/mem.c",)),
    "calloc": ("mem_zalloc", ("base/mem.c",)),
    "realloc": ("mem_realloc", ("base/mem.c",)),
    "strtok": ("strchr", ()),
    "strdup": ("mem_strdup", ()),
    "strndup": ("mem_strndup", ()),
    "setjmp": ("an error code", ()),
    "rand": ("env_random", ()),
    "random": ("env_random", ()),
    "srand": ("env_random", ()),
    "getrandom": ("env_random", ("base/env_uv/", "client/")),
    "time": ("env_wall_ms", ("base/env_uv/",)),
    "gettimeofday": ("env_wall_ms", ("base/env_uv/",)),
    "clock_gettime": ("env_now_us", ("base/env_uv/", "client/")),
    "sleep": ("a timer", ()),
    "usleep": ("a timer", ()),
    "nanosleep": ("a timer", ("client/",)),
    "pthread_create": ("a lane", ("base/env_uv/", "client/")),
    "localtime": ("gmtime_r", ()),
    "gmtime": ("gmtime_r", ()),
    "strerror": ("error_phrase", ("base/env_uv/", "client/")),
    "perror": ("a sentence", ()),
    "env_yield": (
        "env_yield_first: what keeps the brokers together does not wait behind clients",
        ("base/", "broker/", "storage/log/", "raft-glue/raft_group_apply.c"),
    ),
    "env_yield_first": (
        "env_yield: work whose amount clients decide",
        ("base/", "raft-glue/", "storage/journal/"),
    ),
    "exit": ("an error that is returned", ("client/", "broker/main.c", "broker/log_tool.c")),
}
# Unchecked ways out: a program that could not write its result must not end as if it had (base/io/output.h).
UNCHECKED = (
    "printf",
    "vprintf",
    "fprintf",
    "vfprintf",
    "dprintf",
    "vdprintf",
    "puts",
    "putchar",
    "fputs",
    "fputc",
    "putc",
    "fwrite",
    "fflush",
    "write",
    "writev",
    "json_dumpf",
    "json_dumpfd",
    "json_dump_file",
    "scols_print_table",
    "scols_table_set_stream",
)
OUTPUT_USERS = ("base/io/output.c", "base/env_uv/", "base/mem.c", "base/check.c")
STREAM = re.compile(r"\b(?:stdout|stderr)\b")
# The seam: what belongs to the environment. Programs may read files before there is one.
SEAM = (
    "open",
    "openat",
    "fopen",
    "pwrite",
    "pread",
    "pwritev",
    "preadv",
    "fsync",
    "fdatasync",
    "ftruncate",
    "rename",
    "unlink",
    "mkdir",
    "rmdir",
    "opendir",
    "socket",
    "bind",
    "listen",
    "accept",
    "connect",
    "send",
    "recv",
    "poll",
    "epoll_wait",
    "select",
)
SEAM_USERS = (
    "base/env_uv/",
    "base/io/output.c",
    "base/settings.c",
    "base/secure/tls_files.c",
    "client/",
    "broker/main.c",
    "broker/service_manager.c",
)

CALL = re.compile(r"(?<![\w.>])([a-z_]+)\s*\(")
TIMED_BY_SETTING = re.compile(r"\benv_timer_start(?:_at)?\([^;]*\bsettings->", re.S)
LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|\bfor now\b")
SKIPPED = re.compile(
    r"^[ \t]*#[ \t]*if\s+0\b|(?<!\w)skip\(\)|skipTest|mark\.skip|unittest\.skip|\b(?:it|test|describe)\.skip\b|\bxfail\b", re.M
)


def banned(files):
    for path in c_files(files):
        product = path.parts[0] in PRODUCT
        text = without_comments_and_strings(text_of(path))
        own = set(re.findall(r"^(?:static\s+)?[\w *]*?\b([a-z_]+)\([^;]*\)\s*\{", text, re.M))  # a function of that name is not libc's
        for match in CALL.finditer(text):
            name = match.group(1)
            instead, users = EVERYWHERE.get(name) or (product and IN_PRODUCT.get(name)) or (None, ())
            if product and name in SEAM:
                instead, users = "base/env.h", SEAM_USERS
            if product and name in UNCHECKED:
                instead, users = "base/io/output.h, which checks every write", OUTPUT_USERS
            if instead is None or name in own or str(path).startswith(users):
                continue
            yield path, line_of(text, match.start()), f"{name}() is banned here; use {instead}"
        for match in STREAM.finditer(text if product and not str(path).startswith(OUTPUT_USERS) else ""):
            yield path, line_of(text, match.start()), f"{match.group(0)} is not checked; write through base/io/output.h"
        for match in re.finditer(r"^[ \t]*#[ \t]*include\s+<assert\.h>", text, re.M):
            yield path, line_of(text, match.start()), "<assert.h> is switched off in releases; use base/check.h"
        for match in re.finditer(r"\btypedef\s+struct\b", text):
            yield path, line_of(text, match.start()), "no typedef of structs"
        for match in TIMED_BY_SETTING.finditer(text if product else ""):
            yield path, line_of(text, match.start()), "it would wait out the time of before; use broker/config/interval.h"


def unlimited_lines(files):
    """A handler writes what strangers make it write: each line of it goes through a limiter."""
    for path in c_files(files):
        if path.parts[:2] != ("broker", "api"):
            continue
        text = without_comments_and_strings(text_of(path))
        for match in re.finditer(r"\blog_(?:error|warn|info|debug|write)\s*\(", text):
            yield path, line_of(text, match.start()), "a client can cause this line at will; use request_close_because() or log_limited()"


SAY = re.compile(r"(?<![\w.>])say\(")
NEXT_STEP = re.compile(r"[;:?]|\bdrave [a-z]|--[a-z%]")


def dead_ends(files):
    """What a person is told went wrong has a second half: the reason, or what to do next."""
    for path in c_files(files):
        if path.parts[0] != "client":
            continue
        text = text_of(path)
        bare = without_comments_and_strings(text)
        for match in SAY.finditer(bare):
            end = bare.find(";", match.end())
            sentence = "".join(re.findall(r'"((?:\\.|[^"\\\n])*)"', text[match.end() : end]))
            if sentence and re.sub(r"%[.*0-9]*[a-z]", "", sentence).strip() and not NEXT_STEP.search(sentence):
                yield path, line_of(text, match.start()), "the sentence ends where it went wrong: say why, or what to do next"


def leftovers(files):
    for path in files:
        if path.parts[:2] == ("tests", "lint") or path.name == "LICENSE":
            continue
        text = text_of(path)
        for match in LEFTOVER.finditer(text):
            yield path, line_of(text, match.start()), f"a leftover: {match.group(0)}"


def skipped(files):
    for path in files:
        if path.suffix in (".c", ".h", ".py", ".js", ".mjs") and path.parts[:2] != ("tests", "lint"):
            text = text_of(path)
            text = without_comments_and_strings(text) if path.suffix in (".c", ".h") else text
            for match in SKIPPED.finditer(text):
                yield path, line_of(text, match.start()), "a test or code that is switched off; mend it or remove it"


def openings(files):
    """A C file begins with what it is for."""
    for path in c_files(files):
        if not text_of(path).startswith("/*"):
            yield path, 1, "the file must open with a comment that says its job"
