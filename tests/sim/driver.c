/* Many seeds, one process each; driver.h says how. */
#include "tests/sim/driver.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "tests/sim/run.h"

enum { JOBS_MAX = 64, REPORT_MAX = 8192, TAIL_LINES = 30 };

/* A seed under way: its process, and what it has reported. */
struct child {
    pid_t pid; /* 0: free */
    uint64_t seed;
    char scenario[32]; /* "": the driver's */
    bool second;       /* the run that must repeat the first */
    uint64_t first_hash;
    int report_fd;
    FILE *output;
    char report[REPORT_MAX];
    size_t report_len;
    uint64_t started_ms;
    bool too_long;
};

struct driver {
    const struct driver_options *options;
    struct child children[JOBS_MAX];
    struct rare_counts rare;
    uint64_t next, events;
    unsigned passed, failed, twice;
};

static uint64_t clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- The child's side ---- */

void driver_report(const struct run *run, int fd) {
    char text[REPORT_MAX];
    int len = snprintf(text, sizeof text, "hash %" PRIx64 "\nevents %" PRIu64 "\n",
                       world_trace_hash(run->world), world_trace_count(run->world));

    for (enum rare kind = 0; kind < RARE_KINDS; kind++)
        len += snprintf(text + len, sizeof text - (size_t)len, "%" PRIu64 " %s\n",
                        run->rare.count[kind], rare_name(kind));
    if (write(fd, text, (size_t)len) != len) _exit(3);
}

/* ---- Starting ---- */

static void exec_child(const struct driver *driver, const struct child *child, int report_fd) {
    char seed[32], fd[16], mutant[16];
    const char *scenario = child->scenario[0] != '\0' ? child->scenario : driver->options->scenario;
    const char *arguments[16];
    int n = 0;

    snprintf(seed, sizeof seed, "%" PRIu64, child->seed);
    snprintf(fd, sizeof fd, "%d", report_fd);
    snprintf(mutant, sizeof mutant, "%d", driver->options->mutant);
    arguments[n++] = "sim";
    arguments[n++] = "--child";
    arguments[n++] = fd;
    arguments[n++] = "--seed";
    arguments[n++] = seed;
    if (driver->options->mutant != 0) {
        arguments[n++] = "--mutant";
        arguments[n++] = mutant;
    }
    if (scenario != NULL) {
        arguments[n++] = "--scenario";
        arguments[n++] = scenario;
    }
    arguments[n] = NULL;
    /* The second run gets other garbage in fresh memory: what depends on it differs. */
    if (child->second) setenv("MALLOC_PERTURB_", "165", 1);
    execv("/proc/self/exe", (char *const *)arguments);
    _exit(127);
}

static void start(struct driver *driver, struct child *child) {
    int fds[2];

    child->report_len = 0;
    child->too_long = false;
    child->started_ms = clock_ms();
    child->output = tmpfile();
    CHECK(child->output != NULL);
    CHECK(pipe(fds) == 0);
    fflush(stdout);
    child->pid = fork();
    CHECK(child->pid >= 0);
    if (child->pid == 0) {
        close(fds[0]);
        dup2(fileno(child->output), 1);
        dup2(fileno(child->output), 2);
        exec_child(driver, child, fds[1]);
    }
    close(fds[1]);
    child->report_fd = fds[0];
}

/* ---- Judging ---- */

static void print_tail(FILE *output) {
    char *text;
    long size, from, lines = 0;

    fseek(output, 0, SEEK_END);
    size = ftell(output);
    text = mem_zalloc((size_t)size + 1);
    rewind(output);
    size = (long)fread(text, 1, (size_t)size, output);
    for (from = size; from > 0 && lines <= TAIL_LINES; from--)
        lines += text[from - 1] == '\n';
    if (from > 0) from += 2;
    fwrite(text + from, 1, (size_t)(size - from), stdout);
    mem_free(text);
}

/* Adds the counts of a report up; returns the hash of the trace. */
static uint64_t take_report(struct driver *driver, struct child *child, bool add) {
    uint64_t hash = 0, number;
    char name[64];

    child->report[child->report_len] = '\0';
    for (char *line = strtok(child->report, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (sscanf(line, "hash %" SCNx64, &hash) == 1) continue;
        if (sscanf(line, "events %" SCNu64, &number) == 1) {
            if (add) driver->events += number;
            continue;
        }
        if (sscanf(line, "%" SCNu64 " %63[^\n]", &number, name) != 2) continue;
        enum rare kind = rare_find(name);
        if (add && kind < RARE_KINDS) driver->rare.count[kind] += number;
    }
    return hash;
}

static void fail(struct driver *driver, const struct child *child, const char *why) {
    const struct driver_options *options = driver->options;

    driver->failed++;
    print_tail(child->output);
    printf("not ok seed %" PRIu64 ": %s. Repeat it with: sim --seed %" PRIu64 "%s%s", child->seed,
           why, child->seed,
           child->scenario[0] != '\0' || options->scenario != NULL ? " --scenario " : "",
           child->scenario[0] != '\0'  ? child->scenario
           : options->scenario != NULL ? options->scenario
                                       : "");
    if (options->mutant != 0) printf(" --mutant %d", options->mutant);
    printf(" -v\n");
}

static void judge(struct driver *driver, struct child *child, int status) {
    char why[100];
    uint64_t hash;

    if (child->too_long) {
        snprintf(why, sizeof why, "it took longer than %u s", driver->options->seconds);
        fail(driver, child, why);
        return;
    }
    if (WIFSIGNALED(status)) {
        snprintf(why, sizeof why, "it died of signal %d", WTERMSIG(status));
        fail(driver, child, why);
        return;
    }
    if (WEXITSTATUS(status) != 0) {
        snprintf(why, sizeof why, "it ended with code %d", WEXITSTATUS(status));
        fail(driver, child, why);
        return;
    }
    hash = take_report(driver, child, !child->second);
    if (child->second && hash != child->first_hash) {
        snprintf(why, sizeof why, "two runs differ (%" PRIx64 ", then %" PRIx64 ")",
                 child->first_hash, hash);
        fail(driver, child, why);
        return;
    }
    if (!child->second && driver->options->twice_every > 0 &&
        child->seed % driver->options->twice_every == 0) {
        child->second = true;
        child->first_hash = hash;
        fclose(child->output);
        driver->twice++;
        start(driver, child);
        return;
    }
    driver->passed++;
}

/* ---- The loop ---- */

/* The next seed to run: first those that failed once. False: none is left. */
static bool next_seed(struct driver *driver, FILE *kept, struct child *child) {
    const struct driver_options *options = driver->options;
    char line[200];

    while (kept != NULL && fgets(line, sizeof line, kept) != NULL)
        if (sscanf(line, "%" SCNu64 " %31s", &child->seed, child->scenario) == 2) return true;
    child->scenario[0] = '\0';
    if (driver->next >= options->count || (options->stop_at_failure && driver->failed > 0))
        return false;
    child->seed = options->first + driver->next++;
    return true;
}

static void reap(struct driver *driver, struct child *child) {
    int status;

    waitpid(child->pid, &status, 0);
    close(child->report_fd);
    child->pid = 0;
    judge(driver, child, status);
    if (child->pid == 0) fclose(child->output);
}

static void wait_for_some(struct driver *driver) {
    struct pollfd polls[JOBS_MAX];
    struct child *who[JOBS_MAX];
    nfds_t n = 0;

    for (unsigned i = 0; i < driver->options->jobs; i++) {
        struct child *child = &driver->children[i];
        if (child->pid == 0) continue;
        if (!child->too_long &&
            clock_ms() - child->started_ms > driver->options->seconds * UINT64_C(1000)) {
            child->too_long = true;
            kill(child->pid, SIGKILL);
        }
        who[n] = child;
        polls[n++] = (struct pollfd){.fd = child->report_fd, .events = POLLIN};
    }
    poll(polls, n, 1000);
    for (nfds_t i = 0; i < n; i++) {
        if (polls[i].revents == 0) continue;
        size_t room = REPORT_MAX - 1 - who[i]->report_len;
        ssize_t len = read(polls[i].fd, who[i]->report + who[i]->report_len, room);
        if (len > 0)
            who[i]->report_len += (size_t)len;
        else
            reap(driver, who[i]);
    }
}

static void summary(struct driver *driver, uint64_t ms) {
    const struct driver_options *options = driver->options;
    unsigned blind = 0;

    for (enum rare kind = 0; kind < RARE_NAMED; kind++)
        blind += driver->rare.count[kind] == 0;
    if (options->json) {
        printf("{\"seeds\":%u,\"failed\":%u,\"twice\":%u,\"events\":%" PRIu64
               ",\"seconds\":%.1f,\"rare\":{",
               driver->passed + driver->failed, driver->failed, driver->twice, driver->events,
               (double)ms / 1000.0);
        for (enum rare kind = 0; kind < RARE_KINDS; kind++)
            printf("%s\"%s\":%" PRIu64, kind == 0 ? "" : ",", rare_name(kind),
                   driver->rare.count[kind]);
        printf("}}\n");
    } else {
        for (enum rare kind = 0; kind < RARE_KINDS; kind++)
            printf("%12" PRIu64 "  %s\n", driver->rare.count[kind], rare_name(kind));
        printf("%u seeds passed, %u failed, %u run twice; %" PRIu64 " events in %.1f s\n",
               driver->passed, driver->failed, driver->twice, driver->events, (double)ms / 1000.0);
    }
    if (driver->failed == 0) printf("ok seeds: %u passed\n", driver->passed);
    if (driver->failed == 0 && driver->twice > 0)
        printf("ok repetition: %u seeds gave the same trace twice\n", driver->twice);
    if (options->count < 200 || options->scenario != NULL || options->mutant != 0) return;
    for (enum rare kind = 0; kind < RARE_NAMED; kind++)
        if (driver->rare.count[kind] == 0)
            printf("not ok rare events: never saw any of: %s\n", rare_name(kind));
    if (blind == 0)
        printf("ok rare events: none of those that must happen is at zero\n");
    else
        driver->failed++;
}

unsigned driver_run(const struct driver_options *options) {
    struct driver *driver = mem_zalloc(sizeof *driver);
    FILE *kept = options->seeds_file == NULL ? NULL : fopen(options->seeds_file, "r");
    uint64_t start_ms = clock_ms();
    bool running = true, more = true;

    CHECK(options->jobs > 0 && options->jobs <= JOBS_MAX);
    driver->options = options;
    while (running) {
        running = false;
        for (unsigned i = 0; i < options->jobs; i++) {
            struct child *child = &driver->children[i];
            if (child->pid == 0 && more) {
                child->second = false;
                more = next_seed(driver, kept, child);
                if (more) start(driver, child);
            }
            running = running || child->pid != 0;
        }
        if (running) wait_for_some(driver);
    }
    if (kept != NULL) fclose(kept);
    summary(driver, clock_ms() - start_ms);
    unsigned failed = driver->failed;
    mem_free(driver);
    return failed;
}
