/*
 * The phases of a storm, and one line of JSON about them:
 *
 *     storm --brokers PORT:PID,... --groups 1000 --members 10 [--protocol classic|consumer]
 *           --topic T --partitions 10 [--beat-ms 3000] [--session-ms 45000] [--prefix P]
 *           [--steady S] [--commits RATE:S] [--cost N] [--kill S]
 *
 * All members join at once, and the time until every group is stable is taken; then they only send
 * heartbeats for S seconds; then RATE commits of all partitions a second beside them; then N times
 * the same heartbeats as fast as they are answered from 64 members, in turn with heartbeats that
 * name no group (what the group costs is the difference); then the broker that coordinates most
 * groups is killed (-9), and the time until each member of its groups has had a heartbeat answered
 * is taken, and for S seconds in all who has to join again. CPU is that of the processes as the
 * system counts it, of all brokers together. Exit code: 0; 1 when a phase did not end in time.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "tests/bench/storm/storm.h"

enum { EVENTS = 1024, LIMIT_S = 180, COST_MEMBERS = 64, COST_ROUNDS = 3 };

uint64_t storm_now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t storm_random(struct storm *storm) {
    uint64_t z = storm->seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void fail(const char *why) {
    fprintf(stderr, "storm: %s\n", why);
    exit(1);
}

/* ---- The loop ---- */

static void fire_due(struct storm *storm) {
    struct timer_entry *first;
    uint64_t now_ms = storm_now_us() / 1000;
    while ((first = timer_heap_first(&storm->timers)) != NULL && first->at_ms <= now_ms) {
        timer_heap_remove(&storm->timers, first);
        member_act((struct member *)first);
    }
}

static void turn(struct storm *storm, int wait_ms) {
    struct epoll_event events[EVENTS];
    const struct timer_entry *first = timer_heap_first(&storm->timers);
    uint64_t now_ms = storm_now_us() / 1000;
    if (first != NULL && first->at_ms < now_ms + (uint64_t)wait_ms)
        wait_ms = first->at_ms > now_ms ? (int)(first->at_ms - now_ms) : 0;
    int count = epoll_wait(storm->epoll, events, EVENTS, wait_ms);
    for (int i = 0; i < count; i++)
        link_ready(events[i].data.ptr, events[i].events);
    fire_due(storm);
}

/* ---- What is measured ---- */

struct mark {
    uint64_t us;
    double brokers_cpu, own_cpu;
    struct counts counts;
};

static double cpu_of(int pid) {
    char path[64], line[1024];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) return 0;
    const char *rest = fgets(line, sizeof line, file) != NULL ? strrchr(line, ')') : NULL;
    if (rest != NULL)
        sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    fclose(file);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static struct mark mark_now(const struct storm *storm) {
    struct mark mark = {.us = storm_now_us(), .counts = storm->counts};
    for (size_t i = 0; i < storm->broker_count; i++)
        if (!storm->brokers[i].down) mark.brokers_cpu += cpu_of(storm->brokers[i].pid);
    mark.own_cpu = cpu_of(getpid());
    return mark;
}

static double seconds_since(const struct mark *mark) {
    return (double)(storm_now_us() - mark->us) / 1e6;
}

static void print_errors(const struct storm *storm, const struct mark *since) {
    const char *comma = "";
    printf("\"errors\":{");
    for (int i = 0; i <= ERRORS_MAX; i++) {
        uint64_t count = storm->counts.errors[i] - since->counts.errors[i];
        if (count == 0) continue;
        printf("%s\"%d\":%" PRIu64, comma, i, count);
        comma = ",";
    }
    printf("}");
}

/* The common part of a phase's figures. */
static void print_phase(const struct storm *storm, const char *name, const struct mark *since) {
    double seconds = seconds_since(since);
    struct mark now = mark_now(storm);
    printf(",\"%s\":{\"seconds\":%.3f,\"heartbeats_per_s\":%.0f,\"brokers_cores\":%.3f,"
           "\"own_cores\":%.3f,\"joins\":%" PRIu64 ",\"cut\":%" PRIu64 ",\"worst_ms\":%.1f,",
           name, seconds, (double)(now.counts.beats - since->counts.beats) / seconds,
           (now.brokers_cpu - since->brokers_cpu) / seconds,
           (now.own_cpu - since->own_cpu) / seconds, now.counts.joins - since->counts.joins,
           now.counts.cut - since->counts.cut, (double)storm->beat_worst_us / 1e3);
    print_errors(storm, since);
}

/* ---- Phases ---- */

static void run_for(struct storm *storm, double seconds) {
    uint64_t until_us = storm_now_us() + (uint64_t)(seconds * 1e6);
    storm->beat_worst_us = 0;
    while (storm_now_us() < until_us)
        turn(storm, 20);
}

static void join(struct storm *storm) {
    struct mark began = mark_now(storm);
    uint64_t next_us = began.us + 5000000;
    for (size_t i = 0; i < storm->member_count; i++)
        member_wants(&storm->members[i], WANTS_COORDINATOR, 1);
    while (storm->stable < storm->group_count) {
        turn(storm, 100);
        if (seconds_since(&began) > LIMIT_S) fail("the groups did not become stable in time");
        if (storm_now_us() < next_us) continue;
        next_us += 5000000;
        fprintf(stderr, "storm: %zu of %zu groups are stable\n", storm->stable, storm->group_count);
    }
    print_phase(storm, "join", &began);
    printf("}");
}

static void steady(struct storm *storm, double seconds) {
    run_for(storm, storm->consumer ? 6 : 3); /* all are in their rhythm */
    struct mark began = mark_now(storm);
    run_for(storm, seconds);
    print_phase(storm, "steady", &began);
    printf(",\"stable\":%zu}", storm->stable);
}

static int by_size(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static void commits(struct storm *storm, double rate, double seconds) {
    storm->commit_room = (size_t)(rate * seconds * 2) + 1;
    storm->commit_us = mem_zalloc(storm->commit_room * sizeof *storm->commit_us);
    struct mark began = mark_now(storm);
    storm->beat_worst_us = 0;
    for (uint64_t sent = 0; seconds_since(&began) < seconds;) {
        for (; (double)sent < seconds_since(&began) * rate; sent++) {
            size_t group = sent % storm->group_count,
                   member = sent / storm->group_count % storm->group_size;
            member_commit(&storm->groups[group].members[member]);
        }
        turn(storm, 1);
    }
    print_phase(storm, "commits", &began);
    qsort(storm->commit_us, storm->commit_count, sizeof *storm->commit_us, by_size);
    size_t count = storm->commit_count;
    printf(",\"commits_per_s\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f}",
           (double)(storm->counts.commits - began.counts.commits) / seconds_since(&began),
           count > 0 ? (double)storm->commit_us[count / 2] / 1e3 : 0,
           count > 0 ? (double)storm->commit_us[count * 99 / 100] / 1e3 : 0,
           count > 0 ? (double)storm->commit_us[count - 1] / 1e3 : 0);
}

/* CPU of a heartbeat in microseconds, of all brokers together; the other members are silent. */
static double flat_out(struct storm *storm, bool bare, uint64_t wanted) {
    size_t count = storm->member_count < COST_MEMBERS ? storm->member_count : COST_MEMBERS;
    storm->bare = bare;
    storm->flat_out = true;
    struct mark began = mark_now(storm);
    for (size_t i = 0; i < count; i++)
        member_wants(&storm->members[i * (storm->member_count / count)], BEATS, 0);
    while (storm->counts.beats - began.counts.beats < wanted && seconds_since(&began) < LIMIT_S)
        turn(storm, 20);
    struct mark now = mark_now(storm);
    storm->flat_out = false;
    run_for(storm, 0.1);
    storm->bare = false;
    return (now.brokers_cpu - began.brokers_cpu) * 1e6 /
           (double)(now.counts.beats - began.counts.beats);
}

static void cost(struct storm *storm, uint64_t count) {
    double whole = 0, bare = 0;
    for (size_t i = 0; i < storm->member_count; i++)
        timer_heap_remove(&storm->timers, &storm->members[i].timer);
    run_for(storm, 0.2);
    for (int i = 0; i < COST_ROUNDS; i++) {
        bare += flat_out(storm, true, count) / COST_ROUNDS;
        whole += flat_out(storm, false, count) / COST_ROUNDS;
    }
    for (size_t i = 0; i < storm->member_count; i++)
        member_wants(&storm->members[i], BEATS, 1 + storm_random(storm) % storm->beat_ms);
    printf(",\"cost\":{\"heartbeat_us\":%.2f,\"no_group_us\":%.2f,\"group_us\":%.2f}", whole, bare,
           whole - bare);
}

/* ---- The kill ---- */

static struct broker *busiest(struct storm *storm, size_t *groups) {
    struct broker *most = &storm->brokers[0];
    *groups = 0;
    for (size_t b = 0; b < storm->broker_count; b++) {
        size_t count = 0;
        for (size_t i = 0; i < storm->group_count; i++)
            count += storm->groups[i].port == storm->brokers[b].port;
        if (count > *groups) {
            *groups = count;
            most = &storm->brokers[b];
        }
    }
    return most;
}

static bool are_back(const struct storm *storm) {
    for (size_t i = 0; i < storm->member_count; i++)
        if (storm->members[i].group->hit && storm->members[i].back_us == 0) return false;
    return true;
}

static void print_back(const struct storm *storm, const struct mark *began, size_t hit) {
    uint64_t *groups = mem_zalloc((hit + 1) * sizeof *groups);
    size_t count = 0;
    for (size_t g = 0; g < storm->group_count; g++) {
        const struct group *group = &storm->groups[g];
        if (!group->hit) continue;
        for (size_t i = 0; i < storm->group_size; i++) {
            uint64_t took_us = group->members[i].back_us - began->us;
            if (took_us > groups[count]) groups[count] = took_us;
        }
        count++;
    }
    qsort(groups, count, sizeof *groups, by_size);
    printf(",\"groups\":%zu,\"median_s\":%.3f,\"max_s\":%.3f}", count,
           count > 0 ? (double)groups[count / 2] / 1e6 : 0,
           count > 0 ? (double)groups[count - 1] / 1e6 : 0);
    mem_free(groups);
}

static void kill_one(struct storm *storm, double seconds) {
    size_t hit;
    struct broker *broker = busiest(storm, &hit);
    broker->down = true; /* its CPU is not counted any more */
    struct mark began = mark_now(storm);
    for (size_t i = 0; i < storm->group_count; i++)
        storm->groups[i].hit = storm->groups[i].port == broker->port;
    for (size_t i = 0; i < storm->member_count; i++)
        storm->members[i].back_us = 0;
    kill(broker->pid, SIGKILL);
    while (!are_back(storm) && seconds_since(&began) < LIMIT_S)
        turn(storm, 20);
    if (!are_back(storm)) fail("not all members came back after the kill");
    double back_s = seconds_since(&began);
    if (back_s < seconds) run_for(storm, seconds - back_s); /* who has to rejoin may hear it late */
    print_phase(storm, "failover", &began);
    print_back(storm, &began, hit);
}

/* ---- The beginning ---- */

struct options {
    double steady_s, commit_rate, commit_s;
    uint64_t cost;
    double kill_s;
    const char *prefix;
};

static void make_brokers(struct storm *storm, const char *list) {
    while (storm->broker_count < BROKERS_MAX) {
        struct broker *broker = &storm->brokers[storm->broker_count++];
        char *end;
        broker->port = (uint16_t)strtoul(list, &end, 10);
        if (*end != ':') fail("--brokers takes PORT:PID,...");
        broker->pid = (int)strtol(end + 1, &end, 10);
        broker->asked.fd = -1;
        if (*end != ',') return;
        list = end + 1;
    }
}

static void make_groups(struct storm *storm, const char *prefix) {
    storm->member_count = storm->group_count * storm->group_size;
    storm->groups = mem_zalloc(storm->group_count * sizeof *storm->groups);
    storm->members = mem_zalloc(storm->member_count * sizeof *storm->members);
    for (size_t g = 0; g < storm->group_count; g++) {
        struct group *group = &storm->groups[g];
        group->storm = storm;
        group->members = &storm->members[g * storm->group_size];
        snprintf(group->id, sizeof group->id, "%s-%zu", prefix, g);
        for (size_t i = 0; i < storm->group_size; i++) {
            struct member *member = &group->members[i];
            member->group = group;
            member->link.fd = -1;
            member->link.owner = member;
            member->call.member = member->commit.member = member;
            member->after_lookup = WANTS_JOIN;
        }
    }
}

static void take_options(struct storm *storm, struct options *options, int argc, char **argv) {
    static const struct option names[] = {{"brokers", 1, NULL, 'b'}, {"groups", 1, NULL, 'g'},
                                          {"members", 1, NULL, 'm'}, {"protocol", 1, NULL, 'p'},
                                          {"topic", 1, NULL, 't'},   {"partitions", 1, NULL, 'n'},
                                          {"beat-ms", 1, NULL, 'i'}, {"session-ms", 1, NULL, 's'},
                                          {"prefix", 1, NULL, 'x'},  {"steady", 1, NULL, 'S'},
                                          {"commits", 1, NULL, 'c'}, {"cost", 1, NULL, 'C'},
                                          {"kill", 1, NULL, 'k'},    {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (option) {
        case 'b': make_brokers(storm, optarg); break;
        case 'g': storm->group_count = strtoul(optarg, NULL, 10); break;
        case 'm': storm->group_size = strtoul(optarg, NULL, 10); break;
        case 'p': storm->consumer = strcmp(optarg, "consumer") == 0; break;
        case 't': storm->topic = optarg; break;
        case 'n': storm->partitions = (int32_t)strtol(optarg, NULL, 10); break;
        case 'i': storm->beat_ms = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 's': storm->session_ms = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'x': options->prefix = optarg; break;
        case 'S': options->steady_s = strtod(optarg, NULL); break;
        case 'c':
            if (sscanf(optarg, "%lf:%lf", &options->commit_rate, &options->commit_s) != 2)
                fail("--commits takes RATE:SECONDS");
            break;
        case 'C': options->cost = strtoull(optarg, NULL, 10); break;
        case 'k': options->kill_s = strtod(optarg, NULL); break;
        default: exit(2);
        }
    }
    if (storm->broker_count == 0 || storm->topic == NULL || storm->partitions > OWNED_MAX)
        fail("--brokers, --topic and at most 64 --partitions are needed");
}

int main(int argc, char **argv) {
    static struct storm storm = {.group_count = 1000,
                                 .group_size = 10,
                                 .partitions = 10,
                                 .beat_ms = 3000,
                                 .session_ms = 45000,
                                 .seed = 1};
    struct options options = {.prefix = "storm"};
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    take_options(&storm, &options, argc, argv);
    storm.epoll = epoll_create1(EPOLL_CLOEXEC);
    timer_heap_init(&storm.timers);
    make_groups(&storm, options.prefix);
    printf("{\"protocol\":\"%s\",\"groups\":%zu,\"members\":%zu",
           storm.consumer ? "consumer" : "classic", storm.group_count, storm.group_size);
    join(&storm);
    if (options.steady_s > 0) steady(&storm, options.steady_s);
    if (options.commit_rate > 0) commits(&storm, options.commit_rate, options.commit_s);
    if (options.cost > 0) cost(&storm, options.cost);
    if (options.kill_s > 0) kill_one(&storm, options.kill_s);
    printf("}\n");
    return 0;
}
