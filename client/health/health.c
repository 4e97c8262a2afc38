/*
 * drave health: how the cluster is, or what brokers say of themselves, as exit code, sentence or
 * JSON. Those that are named are asked at their http.listen, which answers while the event loop
 * hangs; else health_remote.h asks where clients do.
 */
#include <jansson.h>
#include <string.h>

#include "base/mem.h"
#include "client/health/health_remote.h"
#include "client/line/command.h"
#include "client/line/plugin.h"
#include "client/line/talk.h"
#include "client/socket/http_get.h"

static const char *path_of(const struct invocation *in) {
    if (invocation_has(in, OPTION_LIVE)) {
        return "/health/live";
    }
    if (invocation_has(in, OPTION_STOPPABLE)) {
        return "/health/stoppable";
    }
    return invocation_has(in, OPTION_CLUSTER) ? "/health/cluster" : "/health/ready";
}

static void print_reasons(const char *address, const char *what, const json_t *answer) {
    size_t i;
    json_t *reason;
    if (json_is_true(json_object_get(answer, "ok"))) {
        print_text("%s: %s\n", address, what);
        return;
    }
    print_text("%s: not %s\n", address, what);
    json_array_foreach(json_object_get(answer, "reasons"), i, reason) {
        const char *text = json_string_value(json_object_get(reason, "text"));
        print_text("  %s\n", text ? text : "");
    }
}

/* One broker; its answer goes to `list` with --json. */
static int ask(const struct invocation *in, const char *address, json_t *list) {
    const char *path = path_of(in);
    struct error_text why = {""};
    char *body = NULL;
    int status;
    int error = http_get(address, path, in->timeout_ms, &status, &body, &why);
    if (error) {
        say("%s", why.text);
        return error == ERR_INVALID ? EXIT_USAGE : EXIT_UNREACHABLE;
    }
    json_t *answer = json_loads(body, 0, NULL);
    mem_free(body);
    if (!json_is_object(answer) || !json_is_boolean(json_object_get(answer, "ok"))) {
        say("%s answers %s with status %d, which is no broker's answer; its http.listen says where it is asked",
            address, path, status);
        json_decref(answer);
        return EXIT_UNREACHABLE;
    }
    int code = status == 200 ? EXIT_DONE : EXIT_REFUSED;
    if (in->json) {
        json_object_set_new(answer, "address", json_string(address));
        json_array_append(list, answer);
    } else {
        print_reasons(address, strrchr(path, '/') + 1, answer);
    }
    json_decref(answer);
    return code;
}

static int ask_named(const struct invocation *in) {
    json_t *list = json_array();
    int code = EXIT_DONE;
    for (int i = 0; i < in->word_count; i++) {
        int one = ask(in, in->words[i], list);
        code = one > code ? one : code;
    }
    if (in->json && code != EXIT_USAGE) {
        print_json(json_incref(list));
    }
    json_decref(list);
    return code;
}

/* EXIT_DONE: they say one thing. */
static int check_words(const struct invocation *in, bool chosen, enum health_format *format) {
    const char *name = invocation_value(in, OPTION_WATCHER, NULL);
    *format = HEALTH_PLAIN;
    if (name && !health_format_named(name, format)) {
        say("--format %s is not nagios or prometheus", name);
        return EXIT_USAGE;
    }
    if (name && (in->word_count > 0 || chosen || in->json || invocation_has(in, OPTION_WAIT))) {
        say("--format says how the whole cluster is, once; leave out HOST:PORT, --ready, --live, --stoppable, --wait and --json");
        return *format == HEALTH_NAGIOS ? plugin_not_asked() : EXIT_USAGE;
    }
    return EXIT_DONE;
}

static int look(const struct invocation *in) {
    const char *what = strrchr(path_of(in), '/') + 1;
    bool chosen = invocation_has(in, OPTION_READY) || invocation_has(in, OPTION_LIVE) ||
                  invocation_has(in, OPTION_STOPPABLE);
    enum health_format format;
    int code = check_words(in, chosen, &format);
    if (code) {
        return code;
    }
    if (in->word_count > 0) {
        return ask_named(in);
    }
    return chosen ? health_of_addresses(in, what) : health_of_cluster(in, format);
}

int command_health(struct invocation *in) {
    return health_wait(in, look);
}
