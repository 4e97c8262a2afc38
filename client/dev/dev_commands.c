/*
 * drave dev status, stop, kill, pause, resume, start: what one does to a cluster that `drave dev`
 * has made.
 *
 * Happy path: the named brokers, else all; each command returns when it is true. Failures: a broker
 * that is not there, or does not run, is named with the command that helps, and the exit code is 1.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "client/dev/dev_process.h"
#include "client/dev/dev_run.h"
#include "client/dev/dev_secure.h"
#include "client/line/talk.h"

/* The brokers of the directory, and those of them that the words name (no words: all). */
struct chosen {
    struct dev_node all[DEV_NODES_MAX], nodes[DEV_NODES_MAX];
    size_t all_count, count;
};

static const struct dev_node *find_node(const struct dev_node *nodes, size_t count,
                                        const char *word) {
    for (size_t i = 0; i < count; i++) {
        char id[16];
        snprintf(id, sizeof(id), "%d", nodes[i].id);
        if (strcmp(id, word) == 0) {
            return &nodes[i];
        }
    }
    return NULL;
}

/* False when the directory cannot be read, or a word names none (said). */
static bool choose(const struct invocation *in, struct chosen *chosen) {
    struct error_text why = {""};
    chosen->count = 0;
    if (dev_nodes_read(dev_directory(in), chosen->all, DEV_NODES_MAX, &chosen->all_count, &why)) {
        say("%s", why.text);
        return false;
    }
    for (int i = 0; i < in->word_count; i++) {
        const struct dev_node *node = find_node(chosen->all, chosen->all_count, in->words[i]);
        if (!node) {
            say("%s holds no broker %s; its brokers are %d to %d", dev_directory(in), in->words[i],
                chosen->all[0].id, chosen->all[chosen->all_count - 1].id);
            return false;
        }
        if (!find_node(chosen->nodes, chosen->count,
                       in->words[i])) { /* named twice is named once */
            chosen->nodes[chosen->count++] = *node;
        }
    }
    if (in->word_count == 0) {
        memcpy(chosen->nodes, chosen->all, sizeof(chosen->all));
        chosen->count = chosen->all_count;
    }
    return true;
}

int command_dev_status(struct invocation *in) {
    struct chosen chosen;
    if (!choose(in, &chosen)) {
        return EXIT_REFUSED;
    }
    static const char *const columns[] = {"BROKER", "ADDRESS", "PID", "STATE"};
    struct table *table = in->json ? NULL : table_new(columns, 4);
    json_t *list = json_array();
    for (size_t i = 0; i < chosen.count; i++) {
        struct dev_process process;
        struct error_text why;
        bool hidden = dev_process_find(&chosen.nodes[i], &process, &why) != ERR_NONE;
        bool paused = dev_process_paused(&process);
        const char *state = hidden        ? "in use by another user"
                            : paused      ? "paused"
                            : process.pid ? "running"
                                          : "stopped";
        char id[16], address[32], pid[16];
        snprintf(id, sizeof(id), "%d", chosen.nodes[i].id);
        snprintf(address, sizeof(address), "127.0.0.1:%d", chosen.nodes[i].port);
        snprintf(pid, sizeof(pid), "%d", (int)process.pid);
        if (table) {
            table_row(table, (const char *[]){id, address, process.pid ? pid : NULL, state});
        }
        json_array_append_new(list,
                              json_pack("{s:i,s:s,s:I,s:b,s:s}", "id", chosen.nodes[i].id,
                                        "address", address, "pid", (json_int_t)process.pid,
                                        "running", hidden || process.pid != 0, "state", state));
        dev_process_close(&process);
    }
    if (table) {
        table_print(table);
        json_decref(list);
    } else {
        print_json(list);
    }
    return EXIT_DONE;
}

int command_dev_stop(struct invocation *in) {
    struct chosen chosen;
    size_t ended;
    if (!choose(in, &chosen)) {
        return EXIT_REFUSED;
    }
    int code = dev_run_end(in, chosen.nodes, chosen.count, SIGTERM, NULL, &ended);
    if (ended > 0) {
        say_plain("%zu broker%s stopped", ended, ended > 1 ? "s" : "");
    } else if (!code) {
        say_plain("no broker of %s runs", dev_directory(in));
    }
    return code;
}

/* SIGKILL waits until the process is gone. */
static int signal_node(const struct invocation *in, struct dev_node *node, int number,
                       const char *done) {
    struct dev_process process;
    struct error_text why = {""};
    size_t ended = 0;
    int code = dev_process_find(node, &process, &why) ? EXIT_REFUSED : EXIT_DONE;
    if (!code && process.pid == 0) {
        error_set(&why, ERR_NOT_FOUND,
                  "broker %d does not run; start it with drave dev start %d --dir %s", node->id,
                  node->id, dev_directory(in));
        code = EXIT_REFUSED;
    } else if (!code && number == SIGKILL) {
        code = dev_run_end(in, node, 1, SIGKILL, NULL, &ended);
    } else if (!code) {
        code = dev_process_signal(node, &process, number, &why) ? EXIT_REFUSED : EXIT_DONE;
    }
    if (*why.text) {
        say("%s", why.text);
    } else if (!code) {
        say_plain("broker %d (pid %d) %s", node->id, (int)process.pid, done);
    }
    dev_process_close(&process);
    return code;
}

static int signal_nodes(const struct invocation *in, int number, const char *done) {
    struct chosen chosen;
    if (!choose(in, &chosen)) {
        return EXIT_REFUSED;
    }
    int code = EXIT_DONE;
    for (size_t i = 0; i < chosen.count; i++) {
        int one = signal_node(in, &chosen.nodes[i], number, done);
        code = one ? one : code;
    }
    return code;
}

int command_dev_kill(struct invocation *in) {
    return signal_nodes(in, SIGKILL, "killed");
}

int command_dev_pause(struct invocation *in) {
    return signal_nodes(in, SIGSTOP, "paused");
}

int command_dev_resume(struct invocation *in) {
    return signal_nodes(in, SIGCONT, "goes on");
}

/* Whoever was asked for by name must not run yet; without names those that run are left alone. */
static bool check_stopped(const struct invocation *in, const struct chosen *chosen) {
    size_t running = 0;
    for (size_t i = 0; i < chosen->count; i++) {
        struct dev_process process;
        struct error_text why = {""};
        if (dev_process_find(&chosen->nodes[i], &process, &why)) {
            say("%s", why.text);
            return false;
        }
        bool runs = process.pid > 0;
        running += runs;
        if (runs && in->word_count > 0) {
            say("broker %d runs already, as pid %d; drave dev stop ends it", chosen->nodes[i].id,
                (int)process.pid);
        }
        dev_process_close(&process);
        if (runs && in->word_count > 0) {
            return false;
        }
    }
    if (running == chosen->count) {
        say_plain("all %zu brokers run already", chosen->count);
    }
    return true;
}

int command_dev_start(struct invocation *in) {
    struct chosen chosen;
    struct error_text why = {""};
    if (!choose(in, &chosen) || !check_stopped(in, &chosen)) {
        return EXIT_REFUSED;
    }
    int error = dev_secure_use(&chosen.all[0], &why);
    error = error ? error : dev_run_start(chosen.nodes, chosen.count, &why);
    error = error ? error
                  : dev_run_wait(in, chosen.nodes, chosen.count, chosen.all, chosen.all_count, NULL,
                                 &why);
    bool started = !error || error == ERR_LIMIT;
    for (size_t i = 0; started && i < chosen.count; i++) {
        if (chosen.nodes[i].child > 0) {
            say_plain("broker %d (pid %d) started", chosen.nodes[i].id, (int)chosen.nodes[i].child);
        }
    }
    if (error) {
        say("%s", why.text);
    }
    return started ? EXIT_DONE : EXIT_REFUSED;
}
