/* One line, or one metric, for each finding. */
#include "client/health/health_format.h"

#include <string.h>

#include "client/line/command.h"
#include "client/line/plugin.h"
#include "client/line/talk.h"

bool health_format_named(const char *name, enum health_format *format) {
    if (strcmp(name, "nagios") != 0 && strcmp(name, "prometheus") != 0) {
        return false;
    }
    *format = *name == 'n' ? HEALTH_NAGIOS : HEALTH_PROMETHEUS;
    return true;
}

static bool is_ok(const json_t *finding) {
    return json_is_true(json_object_get(finding, "ok"));
}

static const char *member(const json_t *finding, const char *key) {
    return json_string_value(json_object_get(finding, key));
}

static bool all_ok(const json_t *findings) {
    size_t i;
    json_t *one;
    json_array_foreach(findings, i, one) {
        if (!is_ok(one)) {
            return false;
        }
    }
    return true;
}

/* What is not well, or else all of it. */
static int print_plugin(const json_t *findings, bool refusing) {
    static const char *const states[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
    bool well = all_ok(findings);
    int code = findings == NULL ? PLUGIN_UNKNOWN
               : well           ? PLUGIN_WELL
               : refusing       ? PLUGIN_CRITICAL
                                : PLUGIN_WARNING;
    const char *between = " - ";
    size_t i;
    json_t *one;
    print_text("DRAVE %s%s", states[code], findings ? "" : " - no broker could be asked");
    json_array_foreach(findings, i, one) {
        if (well || !is_ok(one)) {
            print_text("%s%s: %s", between, member(one, "name"), member(one, "text"));
            between = "; ";
        }
    }
    print_text("\n");
    return code;
}

static int print_metrics(const json_t *findings) {
    size_t i;
    json_t *one;
    bool well = findings && all_ok(findings);
    print_text("# HELP drave_health_asked 1 if a broker told how the cluster is.\n"
               "# TYPE drave_health_asked gauge\n"
               "drave_health_asked %d\n",
               findings != NULL);
    if (findings) {
        print_text("# HELP drave_health_ok 1 if that is well in the cluster.\n"
                   "# TYPE drave_health_ok gauge\n");
    }
    json_array_foreach(findings, i, one) {
        print_text("drave_health_ok{check=\"%s\"} %d\n", member(one, "name"), is_ok(one));
    }
    return !findings ? EXIT_UNREACHABLE : well ? EXIT_DONE : EXIT_REFUSED;
}

int health_format_print(enum health_format format, const json_t *findings, bool refusing) {
    return format == HEALTH_NAGIOS ? print_plugin(findings, refusing) : print_metrics(findings);
}
