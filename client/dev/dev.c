/*
 * drave dev: a cluster on this machine, to try things out and to break.
 *
 * Happy path: make the directory, start the brokers, wait until topics can be created, say what to
 * try; without --detach stay until Ctrl-C, then stop them. A directory that was made before is
 * started as it is. Failures: a setting that draved refuses leaves no directory behind; a broker
 * that ends while it is waited for gives its own last line, and the others are stopped again.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "client/dev/dev_process.h"
#include "client/dev/dev_run.h"
#include "client/dev/dev_secure.h"
#include "client/line/talk.h"

enum { HTTP_PORT_DISTANCE = 1000, PEER_PORT_DISTANCE = 10000 };

static int fail(const struct error_text *why) {
    say("%s", why->text);
    return EXIT_REFUSED;
}

/* Beside the port that was asked for, if that is free: else the system picks, and the log tells. */
static int http_port_for(int port) {
    struct error_text taken;
    int wanted = port - HTTP_PORT_DISTANCE;
    return wanted < 1024 || dev_port_check(wanted, &taken) != ERR_NONE ? 0 : wanted;
}

/* Ports for `count` new nodes: from `port` on, or the system's choice; peer ports beside them. */
static int choose_ports(struct dev_node *nodes, size_t count, int port, struct error_text *why) {
    int ports[2 * DEV_NODES_MAX];
    int error = dev_free_ports(ports, 2 * count, why);
    for (size_t i = 0; !error && i < count; i++) {
        nodes[i] = (struct dev_node){.id = (int)i + 1};
        nodes[i].port = port ? port + (int)i : ports[2 * i];
        nodes[i].peer_port = port && port + PEER_PORT_DISTANCE + (int)count < 65536
                                 ? port + PEER_PORT_DISTANCE + (int)i
                                 : ports[2 * i + 1];
        nodes[i].http_port = port ? http_port_for(nodes[i].port) : 0;
        error = dev_port_check(nodes[i].port, why);
        error = error ? error : dev_port_check(nodes[i].peer_port, why);
    }
    return error;
}

/* A directory that exists is started as it is: says which option asks for something else. */
static int check_made(const struct invocation *in, const struct dev_node *nodes, size_t count,
                      int port, struct error_text *why) {
    const char *dir = dev_directory(in);
    int64_t wanted = invocation_number(in, OPTION_NODES, 3, 1, DEV_NODES_MAX);
    if (invocation_has(in, OPTION_PORT) && port != nodes[0].port && port != 0) {
        return error_set(
            why, ERR_EXISTS,
            "%s holds brokers already, from port %d on; leave out --port, change port in "
            "%s/<id>/draved.conf, or delete %s",
            dir, nodes[0].port, dir, dir);
    }
    if (invocation_has(in, OPTION_NODES) && (size_t)wanted != count) {
        return error_set(
            why, ERR_EXISTS,
            "%s holds %zu brokers already, not %d; leave out --nodes to start them, or delete %s",
            dir, count, (int)wanted, dir);
    }
    if ((invocation_has(in, OPTION_DEV_TLS) && !nodes[0].tls) ||
        (invocation_has(in, OPTION_DEV_SASL) && !nodes[0].sasl)) {
        return error_set(
            why, ERR_EXISTS,
            "%s was made without %s; leave that out to start it as it is, name another directory "
            "with --dir, or delete %s",
            dir,
            nodes[0].tls    ? "--sasl"
            : nodes[0].sasl ? "--tls"
                            : "--tls and --sasl",
            dir);
    }
    if (invocation_has(in, OPTION_SET)) {
        return error_set(
            why, ERR_EXISTS,
            "%s exists and has its settings; change %s/<id>/draved.conf instead of --set, or delete %s",
            dir, dir, dir);
    }
    return ERR_NONE;
}

/* The nodes of the directory, made if they are not there. */
static int dev_prepare(const struct invocation *in, struct dev_node *nodes, size_t *count,
                       struct error_text *why) {
    const char *settings[INVOCATION_VALUES + 1] = {NULL};
    int wanted = (int)invocation_number(in, OPTION_NODES, 3, 1, DEV_NODES_MAX);
    int port = (int)invocation_number(in, OPTION_PORT, 9092, 0, 65535 - DEV_NODES_MAX);
    for (size_t i = 0; (settings[i] = invocation_nth(in, OPTION_SET, i)); i++) {}
    int found = dev_nodes_read(dev_directory(in), nodes, DEV_NODES_MAX, count, why);
    if (found == ERR_NONE) {
        return check_made(in, nodes, *count, port, why);
    }
    if (found == ERR_MALFORMED) {
        return found;
    }
    *count = (size_t)wanted;
    int error = choose_ports(nodes, *count, port, why);
    for (size_t i = 0; i < *count; i++) {
        nodes[i].tls = invocation_has(in, OPTION_DEV_TLS);
        nodes[i].sasl = invocation_has(in, OPTION_DEV_SASL);
    }
    error = error ? error : dev_nodes_make(dev_directory(in), nodes, *count, settings, why);
    error = error ? error : dev_secure_make(nodes, *count, why);
    error = error ? error : dev_node_check(&nodes[0], why);
    if (error) {
        dev_secure_unmake(nodes, *count);
        dev_nodes_unmake(dev_directory(in), nodes, *count);
    }
    return error;
}

static void bootstrap_of(const struct dev_node *nodes, size_t count, char *text, size_t room) {
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < count && used < room; i++) {
        used += (size_t)snprintf(text + used, room - used, "%s127.0.0.1:%d", i ? "," : "",
                                 nodes[i].port);
    }
}

static void print_what_to_try(const char *dir, const struct dev_node *first, const char *bootstrap,
                              bool detached) {
    print_text("bootstrap: %s\n", bootstrap);
    if (first->tls || first->sasl) {
        dev_secure_print(first, bootstrap);
    } else {
        print_text("\ntry:\n  export DRAVE_BOOTSTRAP=%s\n", bootstrap);
    }
    print_text("  drave topic create orders -p 3\n");
    print_text("  echo hello | drave produce orders\n");
    print_text("  drave consume orders -e\n\n");
    print_text("stop:   %s\n", detached ? "" : "Ctrl-C here, or");
    print_text("  drave dev stop --dir %s\ndelete:\n  rm -r %s\n", dir, dir);
    print_flush();
}

/* What ends the cluster when it is not detached; SIGHUP only if nobody asked to ignore it (nohup).
 */
static void block_signals(sigset_t *signals) {
    struct sigaction hangup;
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) {
        sigaddset(signals, SIGHUP);
    }
    sigprocmask(SIG_BLOCK, signals, NULL);
}

/* Until Ctrl-C; a broker that ends meanwhile is told. */
static int stay(const struct invocation *in, struct dev_node *nodes, size_t count,
                const sigset_t *signals) {
    sigset_t waited = *signals;
    int caught = SIGCHLD;
    size_t ended;
    sigaddset(&waited, SIGCHLD);
    sigprocmask(SIG_BLOCK, &waited, NULL);
    while (caught == SIGCHLD) {
        struct error_text why;
        while (dev_run_one_ended(nodes, count, &why)) {
            say("%s", why.text);
        }
        sigwait(&waited, &caught);
    }
    say("stopping %zu brokers; once more Ctrl-C kills them", count);
    return dev_run_end(in, nodes, count, SIGTERM, signals, &ended);
}

/* Those that this call has started; what ran before goes on. */
static void end_own(const struct invocation *in, const struct dev_node *nodes, size_t count,
                    const sigset_t *signals) {
    struct dev_node own[DEV_NODES_MAX];
    size_t n = 0, ended;
    for (size_t i = 0; i < count; i++) {
        if (nodes[i].child > 0) {
            own[n++] = nodes[i];
        }
    }
    dev_run_end(in, own, n, SIGTERM, signals, &ended);
}

int command_dev(struct invocation *in) {
    struct dev_node nodes[DEV_NODES_MAX];
    struct error_text why = {""};
    size_t count;
    char bootstrap[DEV_NODES_MAX * 24];
    sigset_t signals;
    if (dev_prepare(in, nodes, &count, &why)) {
        return fail(&why);
    }
    bootstrap_of(nodes, count, bootstrap, sizeof(bootstrap));
    if (dev_secure_use(&nodes[0], &why)) {
        return fail(&why);
    }
    block_signals(&signals); /* before the first broker: none is left behind by Ctrl-C */
    if (dev_run_start(nodes, count, &why) ||
        dev_run_wait(in, nodes, count, nodes, count, &signals, &why)) {
        fail(&why);
        end_own(in, nodes, count, &signals);
        return EXIT_REFUSED;
    }
    bool detach = invocation_has(in, OPTION_DETACH);
    print_what_to_try(dev_directory(in), &nodes[0], bootstrap, detach);
    return detach ? EXIT_DONE : stay(in, nodes, count, &signals);
}
