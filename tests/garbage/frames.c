/* Choosing a frame and what is wrong with it. Golden requests are read once; every frame is then a
 * function of (seed, part, API, version, number). */
#include "tests/garbage/frames.h"

#include <dirent.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "protocol/messages/frame.h"
#include "tests/garbage/messages.h"

enum { LINE_MAX = 1 << 17, LENGTH = 4, MADE_CUTS = 3, UNSERVED = 2000, NOISE_MAX = 200 };

struct golden {
    const struct kp_api *api;
    int version;
    uint8_t *data; /* with the length */
    size_t len, body;
};

struct pair {
    const struct kp_api *api;
    int version;
};

enum part { PART_CUTS, PART_CLAIMS, PART_UNSERVED, PART_CHANCE, PART_OVER };

struct frames {
    uint64_t seed, count;
    struct golden *goldens;
    size_t golden_count, golden_room;
    struct pair *pairs;
    size_t pair_count;
    enum part part;
    uint64_t at;        /* place in the part */
    size_t seed_at;     /* cuts and claims: which golden, then its places */
    struct bytes whole; /* the made frame that is being cut */
    size_t whole_body;
};

/* ---- Golden requests ---- */

static size_t from_hex(const char *hex, uint8_t *into) {
    size_t len = 0;
    unsigned byte;
    while (sscanf(hex + 2 * len, "%2x", &byte) == 1)
        into[len++] = (uint8_t)byte;
    return len;
}

static size_t body_of(const uint8_t *frame, size_t len) {
    struct kp_reader reader;
    struct kp_request_header header;
    kp_reader_init(&reader, frame + LENGTH, len - LENGTH);
    return kp_request_header_decode(&reader, &header) == ERR_NONE ? LENGTH + reader.at : 0;
}

static void add_golden(struct frames *frames, uint8_t *data, size_t len) {
    struct kp_reader reader;
    struct kp_request_header header;
    kp_reader_init(&reader, data + LENGTH, len - LENGTH);
    if (kp_request_header_decode(&reader, &header) != ERR_NONE) return;
    if (frames->golden_count == frames->golden_room) {
        frames->golden_room = frames->golden_room * 2 + 64;
        frames->goldens = mem_realloc(frames->goldens,
                                      frames->golden_room * sizeof *frames->goldens);
    }
    struct golden *golden = &frames->goldens[frames->golden_count++];
    *golden = (struct golden){header.api, header.api_version, mem_alloc(len), len,
                              LENGTH + reader.at};
    memcpy(golden->data, data, len);
}

static void read_golden_file(struct frames *frames, const char *path) {
    FILE *file = fopen(path, "r");
    char *line = mem_alloc(LINE_MAX), *hex = mem_alloc(LINE_MAX), kind[16];
    uint8_t *data = mem_alloc(LINE_MAX / 2);
    while (file != NULL && fgets(line, LINE_MAX, file) != NULL)
        if (sscanf(line, "%*s %*d %15s %*s %*s %131071s", kind, hex) == 2 &&
            strcmp(kind, "request") == 0)
            add_golden(frames, data, from_hex(hex, data));
    if (file != NULL) fclose(file);
    mem_free(line);
    mem_free(hex);
    mem_free(data);
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_golden(struct frames *frames, const char *folder) {
    struct dirent **names = NULL;
    int n = scandir(folder, &names, NULL, by_name);
    for (int i = 0; i < n; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        if (strstr(names[i]->d_name, ".txt") != NULL) read_golden_file(frames, path);
        free(names[i]);
    }
    free(names);
    if (frames->golden_count > 0) return;
    fprintf(stderr,
            "garbage: there are no golden requests in %s; run it in the root of the repository\n",
            folder);
    exit(2);
}

/* ---- Frames of each part ---- */

static void set_length(struct bytes *bytes) {
    uint32_t len = htobe32((uint32_t)(bytes->len - LENGTH));
    memcpy(bytes->data, &len, LENGTH);
}

static struct chance chance_of_frame(const struct frames *frames, uint64_t kind, uint64_t number) {
    struct chance chance = {frames->seed};
    chance_mix(&chance, kind);
    chance_mix(&chance, number);
    return chance;
}

static void made(struct chance *chance, const struct pair *pair, struct bytes *into) {
    struct kp_writer writer;
    bool ok = false;
    for (int tries = 0; !ok && tries < 20; tries++) {
        kp_writer_init(&writer, INT32_MAX);
        ok = message_by_chance(chance, pair->api, pair->version, &writer);
        if (ok) bytes_set(into, writer.data, writer.len);
        kp_writer_close(&writer);
    }
}

static const struct golden *golden_of(struct chance *chance, const struct frames *frames,
                                      const struct pair *pair) {
    size_t begin = chance_below(chance, frames->golden_count);
    for (size_t i = 0; i < frames->golden_count; i++) {
        const struct golden *golden = &frames->goldens[(begin + i) % frames->golden_count];
        if (golden->api == pair->api && golden->version == pair->version) return golden;
    }
    return NULL;
}

static void noise(struct chance *chance, struct bytes *bytes, size_t body) {
    uint8_t data[NOISE_MAX];
    size_t len = chance_below(chance, NOISE_MAX);
    unsigned zeros = chance_of(chance, 50) ? 60 : 0;
    for (size_t i = 0; i < len; i++)
        data[i] = chance_of(chance, zeros) ? 0 : (uint8_t)chance_next(chance);
    bytes->len = body;
    bytes_append(bytes, data, len);
}

static void frame_by_chance(struct frames *frames, uint64_t number, const struct pair *pair,
                            struct frame *frame) {
    struct chance chance = chance_of_frame(
        frames, (uint64_t)(uint32_t)(pair->api->key * 64 + pair->version), number);
    size_t kind = chance_below(&chance, 100);
    const struct golden *golden = kind < 25 ? golden_of(&chance, frames, pair) : NULL;
    if (golden != NULL)
        bytes_set(&frame->bytes, golden->data, golden->len);
    else
        made(&chance, pair, &frame->bytes);
    size_t body = body_of(frame->bytes.data, frame->bytes.len);
    if (body == 0) return; /* the client's name was garbage, too */
    if (kind < 10)
        noise(&chance, &frame->bytes, body);
    else if (kind < 60)
        mutate(&chance, &frame->bytes, body);
    set_length(&frame->bytes);
}

static uint64_t random_number(const struct frames *frames) {
    return frames->at / frames->pair_count;
}

static void unserved(struct frames *frames, struct frame *frame) {
    struct chance chance = chance_of_frame(frames, 1, frames->at);
    uint8_t data[8 + NOISE_MAX];
    size_t len = 12 + chance_below(&chance, NOISE_MAX - 8);
    chance_fill(&chance, data, len);
    if (chance_of(&chance, 70)) { /* a key of Kafka, or a version near those that are served */
        data[4] = data[6] = 0;
        data[5] = (uint8_t)chance_below(&chance, 100);
        data[7] = (uint8_t)chance_below(&chance, 20);
    }
    bytes_set(&frame->bytes, data, len);
    set_length(&frame->bytes);
}

/* ---- The walk ---- */

static void next_seed(struct frames *frames) {
    frames->seed_at++;
    frames->at = 0;
}

/* Into `frame` what is cut now, whole: the golden requests, then some made ones. Returns where its
 * body begins. */
static size_t cut_seed(struct frames *frames, struct frame *frame) {
    if (frames->seed_at < frames->golden_count) {
        const struct golden *golden = &frames->goldens[frames->seed_at];
        bytes_set(&frame->bytes, golden->data, golden->len);
        return golden->body;
    }
    if (frames->at == 0) { /* once for all of its cuts: to make one takes longer than to send it */
        size_t number = frames->seed_at - frames->golden_count;
        struct chance chance = chance_of_frame(frames, 2, number);
        made(&chance, &frames->pairs[number % frames->pair_count], &frames->whole);
        frames->whole_body = body_of(frames->whole.data, frames->whole.len);
    }
    bytes_set(&frame->bytes, frames->whole.data, frames->whole.len);
    return frames->whole_body;
}

static bool next_cut(struct frames *frames, struct frame *frame) {
    while (frames->seed_at < frames->golden_count + MADE_CUTS * frames->pair_count) {
        size_t body = cut_seed(frames, frame), len = frame->bytes.len;
        size_t step = len - body > 2000 ? (len - body) / 1000
                                        : 1; /* a long one would take the place of many others */
        size_t cut = LENGTH + 8 + frames->at++ * step;
        if (cut < len) {
            frame->bytes.len = cut;
            set_length(&frame->bytes);
            return true;
        }
        next_seed(frames);
    }
    return false;
}

static bool next_claim(struct frames *frames, struct frame *frame) {
    while (frames->seed_at < frames->golden_count) {
        const struct golden *golden = &frames->goldens[frames->seed_at];
        size_t place = golden->body + frames->at / MUTATE_CLAIMS;
        unsigned which = (unsigned)(frames->at++ % MUTATE_CLAIMS);
        if (place < golden->len) {
            bytes_set(&frame->bytes, golden->data, golden->len);
            mutate_claim(&frame->bytes, place, which);
            return true;
        }
        next_seed(frames);
    }
    return false;
}

static bool next_of_part(struct frames *frames, struct frame *frame) {
    switch (frames->part) {
    case PART_CUTS: return next_cut(frames, frame);
    case PART_CLAIMS: return next_claim(frames, frame);
    case PART_UNSERVED:
        if (frames->at == UNSERVED) return false;
        unserved(frames, frame);
        frames->at++;
        return true;
    case PART_CHANCE:
        if (random_number(frames) >= frames->count) return false;
        frame_by_chance(frames, random_number(frames),
                        &frames->pairs[frames->at % frames->pair_count], frame);
        frames->at++;
        return true;
    case PART_OVER: break;
    }
    return false;
}

static bool next_of_all(struct frames *frames, struct frame *frame) {
    while (frames->part != PART_OVER && !next_of_part(frames, frame)) {
        frames->part++;
        frames->at = frames->seed_at = 0;
    }
    return frames->part != PART_OVER;
}

bool frames_next(struct frames *frames, struct frame *frame) {
    if (!next_of_all(frames, frame)) return false;
    uint16_t head[2];
    memcpy(head, frame->bytes.data + LENGTH, sizeof head);
    frame->version = (int16_t)be16toh(head[1]);
    frame->api = kp_api_find((int16_t)be16toh(head[0]));
    if (frame->api != NULL && !kp_api_serves(frame->api, frame->version)) frame->api = NULL;
    return true;
}

/* ---- Life ---- */

struct frames *frames_new(uint64_t seed, uint64_t count, const char *folder) {
    struct frames *frames = mem_zalloc(sizeof *frames);
    frames->seed = seed;
    frames->count = count;
    read_golden(frames, folder);
    size_t apis;
    const struct kp_api *table = kp_api_table(&apis);
    for (size_t i = 0; i < apis; i++)
        frames->pair_count += (size_t)(table[i].to - table[i].from + 1);
    frames->pairs = mem_alloc(frames->pair_count * sizeof *frames->pairs);
    size_t n = 0;
    for (size_t i = 0; i < apis; i++)
        for (int version = table[i].from; version <= table[i].to; version++)
            frames->pairs[n++] = (struct pair){&table[i], version};
    return frames;
}

void frames_free(struct frames *frames) {
    for (size_t i = 0; i < frames->golden_count; i++)
        mem_free(frames->goldens[i].data);
    mem_free(frames->goldens);
    mem_free(frames->pairs);
    mem_free(frames->whole.data);
    mem_free(frames);
}
