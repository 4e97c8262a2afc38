/*
 * drave dev: a cluster on this machine, to try things out and to break.
 *
 * Happy path: make the directory, start the brokers, wait until topics can be created, say what to try; without --detach stay until
 * Ctrl-C, then stop them. A directory that was made before is started as it is. Failures: a broker that ends while it is waited for
 * gives its own last line, and the others are stopped again.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "client/cluster_view.h"
#include "client/command.h"
#include "client/dev_node.h"
#include "client/talk.h"

enum { STOP_SECONDS = 60, PEER_PORT_DISTANCE = 10000 };

static const char *dev_directory(const struct invocation *in) {
    return invocation_value(in, OPTION_DIR, "./drave-dev");
}

static int fail(const struct error_text *why) {
    say("%s", why->text);
    return EXIT_REFUSED;
}

/* Ports for `count` new nodes: from `port` on, or the system's choice; peer ports beside them. */
static int choose_ports(struct dev_node *nodes, size_t count, int port, struct error_text *why) {
    int ports[2 * DEV_NODES_MAX];
    int error = dev_free_ports(ports, 2 * count, why);
    for (size_t i = 0; !error && i < count; i++) {
        nodes[i] = (struct dev_node){.id = (int)i + 1};
        nodes[i].port = port ? port + (int)i : ports[2 * i];
        nodes[i].peer_port = port && port + PEER_PORT_DISTANCE + (int)count < 65536 ? port + PEER_PORT_DISTANCE + (int)i
                                                                                    : ports[2 * i + 1];
        error = dev_port_check(nodes[i].port, why);
        error = error ? error : dev_port_check(nodes[i].peer_port, why);
    }
    return error;
}

/* The nodes of the directory, made if they are not there. */
static int prepare(const struct invocation *in, struct dev_node *nodes, size_t *count, struct error_text *why) {
    const char *dir = dev_directory(in);
    int wanted = (int)invocation_number(in, OPTION_NODES, 3, 1, DEV_NODES_MAX);
    int port = (int)invocation_number(in, OPTION_PORT, 9092, 0, 65535 - DEV_NODES_MAX);
    const char *settings[INVOCATION_VALUES + 1] = {NULL};
    for (size_t i = 0; (settings[i] = invocation_nth(in, OPTION_SET, i)); i++) {}
    int found = dev_nodes_read(dir, nodes, DEV_NODES_MAX, count, why);
    if (found == ERR_MALFORMED) {
        return found;
    }
    if (found == ERR_NONE) {
        if (invocation_has(in, OPTION_PORT) && port != nodes[0].port && port != 0) {
            return error_set(why, ERR_EXISTS,
                             "%s holds brokers already, from port %d on; leave out --port, change port in "
                             "%s/<id>/draved.conf, or delete %s",
                             dir, nodes[0].port, dir, dir);
        }
        if (invocation_has(in, OPTION_NODES) && (size_t)wanted != *count) {
            return error_set(why, ERR_EXISTS,
                             "%s holds %zu brokers already, not %d; leave out --nodes to start them, or delete %s", dir,
                             *count, wanted, dir);
        }
        if (settings[0]) {
            return error_set(
                why, ERR_EXISTS,
                "%s exists and has its settings; change %s/<id>/draved.conf instead of --set, or delete %s", dir, dir,
                dir);
        }
        return ERR_NONE;
    }
    *count = (size_t)wanted;
    int error = choose_ports(nodes, *count, port, why);
    return error ? error : dev_nodes_make(dir, nodes, *count, settings, why);
}

static void bootstrap_of(const struct dev_node *nodes, size_t count, char *text, size_t room) {
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < count && used < room; i++) {
        used += (size_t)snprintf(text + used, room - used, "%s127.0.0.1:%d", i ? "," : "", nodes[i].port);
    }
}

/* The process of a node; 0: none. One that was just started holds no lock yet, but it is our child. */
static pid_t process_of(struct dev_node *node) {
    if (node->child > 0 && waitpid(node->child, NULL, WNOHANG) != 0) {
        node->child = 0;
    }
    pid_t holder = dev_node_pid(node);
    return holder > 0 ? holder : node->child;
}

/* Sends `number` to every node that runs and waits until it is gone. */
static int end_nodes(struct dev_node *nodes, size_t count, int number) {
    for (size_t i = 0; i < count; i++) {
        pid_t pid = process_of(&nodes[i]);
        if (pid > 0) {
            kill(pid, number);
            kill(pid, SIGCONT);
        }
    }
    struct patience patience;
    patience_begin(&patience);
    uint64_t end = now_ms() + STOP_SECONDS * 1000;
    for (size_t i = 0; i < count; i++) {
        for (pid_t pid; (pid = process_of(&nodes[i])) > 0;) {
            patience_say(&patience, "broker %d (pid %d) to end", nodes[i].id, (int)pid);
            if (now_ms() > end) {
                say("broker %d (pid %d) has not ended in %d s; end it with drave dev kill %d", nodes[i].id, (int)pid,
                    STOP_SECONDS, nodes[i].id);
                return EXIT_REFUSED;
            }
            pause_ms(10);
        }
    }
    return EXIT_DONE;
}

static int start_all(struct dev_node *nodes, size_t count, struct error_text *why) {
    for (size_t i = 0; i < count; i++) {
        int error = dev_node_pid(&nodes[i]) ? ERR_NONE : dev_node_start(&nodes[i], why);
        if (error) {
            return error;
        }
    }
    return ERR_NONE;
}

/* Whether a broker that was started has ended; its last line becomes the sentence. */
static bool one_ended(const struct dev_node *nodes, size_t count, struct error_text *why) {
    pid_t gone = waitpid(-1, NULL, WNOHANG);
    for (size_t i = 0; gone > 0 && i < count; i++) {
        if (nodes[i].child == gone) {
            char words[400];
            dev_node_last_words(&nodes[i], words, sizeof(words));
            error_set(why, ERR_SYSTEM, "broker %d did not start: %s", nodes[i].id, words);
            return true;
        }
    }
    return false;
}

/* Whether one of the blocked signals waits to be taken. */
static bool asked_to_stop(const sigset_t *signals) {
    return sigtimedwait(signals, NULL, &(struct timespec){0}) > 0;
}

static int wait_usable(const struct invocation *in, const struct dev_node *nodes, size_t count, const char *bootstrap,
                       const sigset_t *signals, struct error_text *why) {
    struct patience patience;
    patience_begin(&patience);
    uint64_t end = now_ms() + (in->timeout_ms > 60000 ? in->timeout_ms : 60000);
    while (!cluster_is_usable(bootstrap, (int)count)) {
        if (one_ended(nodes, count, why)) {
            return ERR_SYSTEM;
        }
        if (asked_to_stop(signals)) {
            return error_set(why, ERR_CANCELED, "stopped before the brokers had formed a cluster");
        }
        if (now_ms() > end) {
            return error_set(why, ERR_TIMEOUT,
                             "the brokers have not formed a cluster; their logs are %s/<id>/draved.log",
                             dev_directory(in));
        }
        patience_say(&patience, "%zu brokers to form a cluster", count);
        pause_ms(20);
    }
    return ERR_NONE;
}

static void print_what_to_try(const char *dir, const char *bootstrap, bool detached) {
    print_text("bootstrap: %s\n\ntry:\n", bootstrap);
    print_text("  export DRAVE_BOOTSTRAP=%s\n", bootstrap);
    print_text("  drave topic create orders -p 3\n");
    print_text("  echo hello | drave produce orders\n");
    print_text("  drave consume orders -e\n\n");
    print_text("stop:   %s\n", detached ? "" : "Ctrl-C here, or");
    print_text("  drave dev stop --dir %s\ndelete:\n  rm -r %s\n", dir, dir);
    print_flush();
}

static int stay_until_signal(struct dev_node *nodes, size_t count, const sigset_t *signals) {
    int caught;
    sigwait(signals, &caught);
    say("stopping %zu brokers", count);
    return end_nodes(nodes, count, SIGTERM);
}

int command_dev(struct invocation *in) {
    struct dev_node nodes[DEV_NODES_MAX];
    struct error_text why = {""};
    size_t count;
    char bootstrap[DEV_NODES_MAX * 24];
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    if (prepare(in, nodes, &count, &why)) {
        return fail(&why);
    }
    bootstrap_of(nodes, count, bootstrap, sizeof(bootstrap));
    sigprocmask(SIG_BLOCK, &signals, NULL); /* before the first broker: none is left behind by Ctrl-C */
    if (start_all(nodes, count, &why) || wait_usable(in, nodes, count, bootstrap, &signals, &why)) {
        end_nodes(nodes, count, SIGTERM);
        return fail(&why);
    }
    bool detach = invocation_has(in, OPTION_DETACH);
    print_what_to_try(dev_directory(in), bootstrap, detach);
    if (detach) {
        return EXIT_DONE;
    }
    return stay_until_signal(nodes, count, &signals);
}

int command_dev_status(struct invocation *in) {
    struct dev_node nodes[DEV_NODES_MAX];
    struct error_text why = {""};
    size_t count;
    if (dev_nodes_read(dev_directory(in), nodes, DEV_NODES_MAX, &count, &why)) {
        return fail(&why);
    }
    static const char *const columns[] = {"BROKER", "ADDRESS", "PID", "STATE"};
    struct table *table = in->json ? NULL : table_new(columns, 4);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        pid_t pid = dev_node_pid(&nodes[i]);
        char id[16], address[32], pid_text[16];
        snprintf(id, sizeof(id), "%d", nodes[i].id);
        snprintf(address, sizeof(address), "127.0.0.1:%d", nodes[i].port);
        snprintf(pid_text, sizeof(pid_text), "%d", (int)pid);
        if (table) {
            table_row(table, (const char *[]){id, address, pid ? pid_text : NULL, pid ? "running" : "stopped"});
        }
        json_array_append_new(list, json_pack("{s:i,s:s,s:I,s:b}", "id", nodes[i].id, "address", address, "pid",
                                              (json_int_t)pid, "running", pid != 0));
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
    struct dev_node nodes[DEV_NODES_MAX];
    struct error_text why = {""};
    size_t count;
    if (dev_nodes_read(dev_directory(in), nodes, DEV_NODES_MAX, &count, &why)) {
        return fail(&why);
    }
    return end_nodes(nodes, count, SIGTERM);
}

/* The node named by the command's word; false when there is none (said). */
static bool named_node(const struct invocation *in, struct dev_node *node) {
    struct dev_node nodes[DEV_NODES_MAX];
    struct error_text why = {""};
    size_t count;
    if (dev_nodes_read(dev_directory(in), nodes, DEV_NODES_MAX, &count, &why)) {
        say("%s", why.text);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        char id[16];
        snprintf(id, sizeof(id), "%d", nodes[i].id);
        if (strcmp(id, in->words[0]) == 0) {
            *node = nodes[i];
            return true;
        }
    }
    say("%s holds no broker %s; its brokers are %d to %d", dev_directory(in), in->words[0], nodes[0].id,
        nodes[count - 1].id);
    return false;
}

static int signal_node(const struct invocation *in, int number, const char *done) {
    struct dev_node node;
    if (!named_node(in, &node)) {
        return EXIT_REFUSED;
    }
    pid_t pid = dev_node_pid(&node);
    if (pid <= 0) {
        say("broker %d does not run; start it with drave dev start %d --dir %s", node.id, node.id, dev_directory(in));
        return EXIT_REFUSED;
    }
    if (number == SIGKILL) {
        end_nodes(&node, 1, SIGKILL);
    } else {
        kill(pid, number);
    }
    say_plain("broker %d (pid %d) %s", node.id, (int)pid, done);
    return EXIT_DONE;
}

int command_dev_kill(struct invocation *in) {
    return signal_node(in, SIGKILL, "killed");
}

int command_dev_pause(struct invocation *in) {
    return signal_node(in, SIGSTOP, "paused");
}

int command_dev_resume(struct invocation *in) {
    return signal_node(in, SIGCONT, "goes on");
}

/* Waits until the broker's listener answers. */
static int wait_started(const struct invocation *in, const struct dev_node *node, struct error_text *why) {
    char address[32];
    snprintf(address, sizeof(address), "127.0.0.1:%d", node->port);
    struct patience patience;
    patience_begin(&patience);
    uint64_t end = now_ms() + (in->timeout_ms > 60000 ? in->timeout_ms : 60000);
    while (!cluster_is_usable(address, 1)) {
        if (one_ended(node, 1, why)) {
            return ERR_SYSTEM;
        }
        if (now_ms() > end) {
            return error_set(why, ERR_TIMEOUT, "broker %d does not answer on %s; its log is %s/draved.log", node->id,
                             address, node->directory);
        }
        patience_say(&patience, "broker %d to be ready", node->id);
        pause_ms(20);
    }
    return ERR_NONE;
}

int command_dev_start(struct invocation *in) {
    struct dev_node node;
    struct error_text why = {""};
    if (!named_node(in, &node)) {
        return EXIT_REFUSED;
    }
    if (dev_node_start(&node, &why) || wait_started(in, &node, &why)) {
        return fail(&why);
    }
    say_plain("broker %d (pid %d) started", node.id, (int)node.child);
    return EXIT_DONE;
}
