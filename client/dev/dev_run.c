/* Starting brokers, waiting until they serve, ending them, and what is left without a majority. */
#include "client/dev/dev_run.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "client/dev/dev_process.h"
#include "client/kafka/cluster_view.h"
#include "client/line/talk.h"

enum { START_MS = 60000, STOP_MS = 60000, MAJORITY_MS = 2000, POLL_MS = 20 };

const char *dev_directory(const struct invocation *in) {
    return invocation_value(in, OPTION_DIR, "./drave-dev");
}

static uint64_t limit_of(const struct invocation *in, uint64_t usual_ms) {
    return in->timeout_given ? in->timeout_ms : usual_ms;
}

int dev_run_start(struct dev_node *nodes, size_t count, struct error_text *why) {
    for (size_t i = 0; i < count; i++) {
        struct dev_process process;
        int error = dev_process_find(&nodes[i], &process, why);
        if (!error && process.pid == 0) {
            error = dev_node_start(&nodes[i], why);
        }
        dev_process_close(&process);
        if (error) {
            return error;
        }
    }
    return ERR_NONE;
}

bool dev_run_one_ended(const struct dev_node *nodes, size_t count, struct error_text *why) {
    pid_t gone = waitpid(-1, NULL, WNOHANG);
    for (size_t i = 0; gone > 0 && i < count; i++) {
        if (nodes[i].child == gone) {
            char words[400];
            dev_node_last_words(&nodes[i], words, sizeof(words));
            error_set(why, ERR_SYSTEM, "broker %d has ended: %s", nodes[i].id, words);
            return true;
        }
    }
    return false;
}

/* Whether one of the blocked signals waits to be taken. */
static bool asked_to_stop(const sigset_t *signals) {
    return signals && sigtimedwait(signals, NULL, &(struct timespec){0}) > 0;
}

static void run_append(char *list, size_t room, int id) {
    size_t used = strlen(list);
    snprintf(list + used, room - used, "%s%d", used ? ", " : "", id);
}

/* Whether too few of those that elect run; the ids of the others, by how they are brought back. */
static bool lacks_majority(const struct dev_node *all, size_t count, char *stopped, char *paused,
                           size_t room) {
    size_t voters = 0, down = 0;
    stopped[0] = paused[0] = 0;
    for (size_t i = 0; i < count; i++) {
        struct dev_process process;
        struct error_text unseen;
        bool hidden = dev_process_find(&all[i], &process, &unseen) != ERR_NONE;
        bool frozen = dev_process_paused(&process);
        voters += all[i].votes;
        if (all[i].votes && (frozen || (process.pid == 0 && !hidden))) {
            run_append(frozen ? paused : stopped, room, all[i].id);
            down++;
        }
        dev_process_close(&process);
    }
    return 2 * down >= voters && down > 0;
}

/* Brokers that answer, but cannot elect: the sentence says who is missing. */
static int check_majority(const struct invocation *in, const struct dev_node *all, size_t count,
                          struct error_text *why) {
    char stopped[DEV_NODES_MAX * 4], paused[DEV_NODES_MAX * 4];
    const char *dir = dev_directory(in);
    if (!lacks_majority(all, count, stopped, paused, sizeof(stopped))) {
        return ERR_NONE;
    }
    error_set(
        why, ERR_LIMIT,
        "most of the cluster is missing: without a majority nothing is acknowledged, and no topic "
        "is created.");
    size_t used = strlen(why->text);
    if (*stopped) {
        used += (size_t)snprintf(
            why->text + used, sizeof(why->text) - used,
            " Broker%s %s %s stopped: drave dev start %.*s --dir %s helps; drave dev start --dir %s "
            "starts all.",
            strchr(stopped, ',') ? "s" : "", stopped, strchr(stopped, ',') ? "are" : "is",
            (int)strcspn(stopped, ","), stopped, dir, dir);
    }
    if (*paused && used < sizeof(why->text)) {
        snprintf(why->text + used, sizeof(why->text) - used,
                 " Paused: %s; drave dev resume %.*s --dir %s helps.", paused,
                 (int)strcspn(paused, ","), paused, dir);
    }
    return ERR_LIMIT;
}

/* How far the brokers are: how many of them answer, and whether topics can be created through each.
 */
static bool all_usable(const struct dev_node *nodes, size_t count, bool whole_cluster,
                       size_t *answering) {
    bool usable = true;
    *answering = 0;
    for (size_t i = 0; i < count; i++) {
        char address[32];
        snprintf(address, sizeof(address), "127.0.0.1:%d", nodes[i].port);
        enum cluster_state state = cluster_state(address, whole_cluster ? (int)count : 1);
        *answering += state != CLUSTER_SILENT;
        usable = usable && state == CLUSTER_USABLE;
    }
    return usable;
}

int dev_run_wait(const struct invocation *in, const struct dev_node *nodes, size_t count,
                 const struct dev_node *all, size_t all_count, const sigset_t *signals,
                 struct error_text *why) {
    struct patience patience;
    patience_begin(&patience);
    uint64_t begin = now_ms(), limit = limit_of(in, START_MS);
    size_t answering;
    while (!all_usable(nodes, count, count == all_count, &answering)) {
        if (dev_run_one_ended(nodes, count, why)) {
            return ERR_SYSTEM;
        }
        if (asked_to_stop(signals)) {
            return error_set(why, ERR_CANCELED, "stopped before the brokers had formed a cluster");
        }
        uint64_t waited = now_ms() - begin;
        if (waited >= MAJORITY_MS && check_majority(in, all, all_count, why)) {
            return ERR_LIMIT;
        }
        if (waited > limit) {
            return error_set(
                why, ERR_TIMEOUT,
                "%zu of %zu brokers answer%s after %.1f s; see what they say in %s/<id>/draved.log, or give "
                "them longer with --timeout 2m",
                answering, count, answering == count ? ", but have no metadata leader" : "",
                (double)waited / 1000, dev_directory(in));
        }
        patience_say(&patience, "%zu broker%s to %s (%zu of %zu answer)", count,
                     count > 1 ? "s" : "",
                     answering == count ? "elect a metadata leader" : "be ready", answering, count);
        pause_ms(POLL_MS);
    }
    return ERR_NONE;
}

/* ---- Ending ---- */

struct ending {
    struct dev_node *node;
    struct dev_process process;
};

static int signal_one(const struct ending *one, int number) {
    struct error_text why;
    int error = dev_process_signal(one->node, &one->process, number, &why);
    if (error) {
        say("%s", why.text);
    } else if (number != SIGCONT) {
        dev_process_signal(one->node, &one->process, SIGCONT,
                           &why); /* one that is frozen does not hear SIGTERM */
    }
    return error;
}

/* Those that run; what cannot be seen is said, and counts as failed. */
static size_t hold_all(struct dev_node *nodes, size_t count, struct ending *endings, int *code) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        struct error_text why;
        endings[n].node = &nodes[i];
        if (dev_process_find(&nodes[i], &endings[n].process, &why)) {
            say("%s", why.text);
            *code = EXIT_REFUSED;
        } else if (endings[n].process.pid > 0) {
            n++;
        }
    }
    return n;
}

static void reap(struct dev_node *node) {
    if (node->child > 0) {
        waitpid(node->child, NULL, WNOHANG);
        node->child = 0;
    }
}

int dev_run_end(const struct invocation *in, struct dev_node *nodes, size_t count, int number,
                const sigset_t *signals, size_t *ended) {
    struct ending endings[DEV_NODES_MAX];
    struct patience patience;
    int code = EXIT_DONE;
    size_t held = hold_all(nodes, count, endings, &code);
    uint64_t begin = now_ms(), limit = limit_of(in, STOP_MS);
    *ended = 0;
    patience_begin(&patience);
    for (size_t i = 0; i < held; i++) {
        if (signal_one(&endings[i], number)) {
            dev_process_close(&endings[i].process);
            code = EXIT_REFUSED;
        }
    }
    for (size_t i = 0; i < held; i++) {
        struct ending *one = &endings[i];
        bool gone = one->process.fd >= 0 && dev_process_ended(&one->process, 0);
        while (one->process.fd >= 0 && !gone && now_ms() - begin <= limit) {
            gone = dev_process_ended(&one->process, POLL_MS);
            if (asked_to_stop(signals)) {
                say("asked a second time: what still runs is killed");
                for (size_t k = i; k < held; k++) {
                    signal_one(&endings[k], SIGKILL);
                }
            }
            patience_say(&patience, "broker %d (pid %d) to end", one->node->id,
                         (int)one->process.pid);
        }
        if (gone) {
            (*ended)++;
            reap(one->node);
        } else if (one->process.fd >= 0) {
            say("broker %d (pid %d) has not ended in %.1f s; give it longer with --timeout 2m, or kill it: drave dev kill %d "
                "--dir %s",
                one->node->id, (int)one->process.pid, (double)limit / 1000, one->node->id,
                dev_directory(in));
            code = EXIT_REFUSED;
        }
        dev_process_close(&one->process);
    }
    return code;
}
