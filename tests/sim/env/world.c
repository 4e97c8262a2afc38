/* The clock, the queue, chance and the trace of one simulation; world.h says how they play
 * together. */
#include "tests/sim/env/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

struct world {
    uint64_t now_us;
    uint64_t sequence;
    struct event **queue; /* binary heap, 1-based: queue[1] is the earliest */
    size_t count, capacity;
    uint64_t chance[4]; /* xoshiro256** */
    uint64_t hash, traced;
    bool verbose;
    struct network *network;
    bool calm;
};

static uint64_t splitmix(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct world *world_new(uint64_t seed, bool verbose) {
    struct world *world = mem_zalloc(sizeof *world);

    world->verbose = verbose;
    world->hash = 0xcbf29ce484222325u;
    world->now_us = 1000000; /* not 0: a time of 0 that means "never" must not hide */
    for (int i = 0; i < 4; i++)
        world->chance[i] = splitmix(&seed);
    return world;
}

void world_free(struct world *world) {
    mem_free(world->queue);
    mem_free(world);
}

uint64_t world_now_us(const struct world *world) {
    return world->now_us;
}

bool world_verbose(const struct world *world) {
    return world->verbose;
}

/* ---- Chance ---- */

static uint64_t rotate_left(uint64_t value, int bits) {
    return (value << bits) | (value >> (64 - bits));
}

uint64_t world_random(struct world *world) {
    uint64_t *s = world->chance;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t world_below(struct world *world, uint64_t limit) {
    CHECK(limit > 0);
    return world->calm ? limit / 2 : world_random(world) % limit;
}

void world_keep_calm(struct world *world) {
    world->calm = true;
}

uint64_t world_between(struct world *world, uint64_t low, uint64_t high) {
    CHECK(low <= high);
    return low + world_below(world, high - low + 1);
}

bool world_chance(struct world *world, uint32_t per_million) {
    return world_below(world, 1000000) < per_million;
}

uint64_t world_delay_us(struct world *world, uint64_t typical_us) {
    uint64_t delay = typical_us / 2 + world_below(world, typical_us + 1);
    uint64_t luck = world_below(world, 1000);

    if (luck == 0) return delay * 100;
    return luck < 20 ? delay * 10 : delay;
}

void world_fill(struct world *world, void *into, size_t len) {
    uint8_t *out = into;

    while (len > 0) {
        uint64_t word = world_random(world);
        size_t n = len < sizeof word ? len : sizeof word;
        memcpy(out, &word, n);
        out += n;
        len -= n;
    }
}

/* ---- Events ---- */

static bool earlier(const struct event *a, const struct event *b) {
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->sequence < b->sequence;
}

static void put(struct world *world, size_t place, struct event *event) {
    world->queue[place] = event;
    event->place = place;
}

static void sift_up(struct world *world, struct event *event, size_t place) {
    for (; place > 1 && earlier(event, world->queue[place / 2]); place /= 2)
        put(world, place, world->queue[place / 2]);
    put(world, place, event);
}

static void sift_down(struct world *world, struct event *event, size_t place) {
    for (;;) {
        size_t child = 2 * place;
        if (child > world->count) break;
        if (child < world->count && earlier(world->queue[child + 1], world->queue[child])) child++;
        if (!earlier(world->queue[child], event)) break;
        put(world, place, world->queue[child]);
        place = child;
    }
    put(world, place, event);
}

void world_unschedule(struct world *world, struct event *event) {
    size_t place = event->place;

    if (place == 0) return;
    CHECK(world->queue[place] == event);
    event->place = 0;
    struct event *last = world->queue[world->count--];
    if (last == event) return;
    if (place > 1 && earlier(last, world->queue[place / 2]))
        sift_up(world, last, place);
    else
        sift_down(world, last, place);
}

void world_schedule(struct world *world, struct event *event, uint64_t at_us) {
    CHECK(event->run != NULL);
    world_unschedule(world, event);
    event->at_us = at_us > world->now_us ? at_us : world->now_us;
    event->sequence = ++world->sequence;
    if (world->count + 2 > world->capacity) {
        world->capacity = world->capacity == 0 ? 256 : world->capacity * 2;
        world->queue = mem_realloc(world->queue, world->capacity * sizeof *world->queue);
    }
    sift_up(world, event, ++world->count);
}

bool world_step(struct world *world, uint64_t until_us) {
    while (world->count > 0 && world->queue[1]->at_us <= until_us) {
        struct event *event = world->queue[1];
        world_unschedule(world, event);
        if (event->owner != NULL && env_is_dead(event->owner)) continue;
        world->now_us = event->at_us;
        event->run(event);
        return true;
    }
    if (world->now_us < until_us) world->now_us = until_us;
    return false;
}

void world_run_until(struct world *world, uint64_t until_us) {
    while (world_step(world, until_us))
        ;
}

/* ---- Trace ---- */

static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * 0x9fb21c651e98df25u;
    return hash ^ (hash >> 32);
}

uint64_t trace_content(const void *data, size_t len) {
    const uint8_t *bytes = data;
    uint64_t hash = mix(0x51ed270b0903cf1fu, len);

    for (; len >= 8; bytes += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        hash = mix(hash, word);
    }
    if (len > 0) {
        uint64_t word = 0;
        memcpy(&word, bytes, len);
        hash = mix(hash, word);
    }
    return hash;
}

void world_trace(struct world *world, int node, const char *kind, const char *subject,
                 uint64_t first, uint64_t second, uint64_t content) {
    uint64_t hash = mix(world->hash, world->now_us);

    hash = mix(hash, (uint64_t)node);
    hash = mix(hash, trace_content(kind, strlen(kind)));
    hash = mix(hash, trace_content(subject, strlen(subject)));
    hash = mix(hash, first);
    hash = mix(hash, second);
    world->hash = mix(hash, content);
    world->traced++;
    if (world->verbose)
        printf("%12.3f n%-3d %-10s %-44s %8" PRIu64 " %8" PRIu64 "  %016" PRIx64 "\n",
               (double)world->now_us / 1000.0, node, kind, subject, first, second, content);
}

uint64_t world_trace_hash(const struct world *world) {
    return world->hash;
}

uint64_t world_trace_count(const struct world *world) {
    return world->traced;
}

void world_set_network(struct world *world, struct network *network) {
    world->network = network;
}

struct network *world_network(const struct world *world) {
    return world->network;
}
