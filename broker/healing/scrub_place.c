/* The bytes of the file, and the job that writes them. */
#include "broker/healing/scrub_place.h"

#include <string.h>

#include "base/container_of.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "storage/directory.h"
#include "storage/little_endian.h"
#include "storage/segment/segment_format.h"

enum {
    MAGIC = 0x43535244, /* "DRSC" */
    FORMAT = 1,
    AT_GROUP = 8,
    AT_OFFSET = 16,
    AT_BEGAN = 24,
    AT_THROUGH = 32,
    AT_CRC = 36,
    SIZE = 40,
};

struct scrub_file {
    struct env_job job;
    struct env *env;
    char *directory, *path;
    uint8_t bytes[SIZE];
    int error;         /* of the job */
    bool busy, closed; /* busy: it is under way; closed: freed when it is not */
};

static void decode(const uint8_t bytes[SIZE], struct scrub_place *place) {
    if (le_get_u32(bytes) != MAGIC || le_get_u32(bytes + 4) != FORMAT ||
        le_get_u32(bytes + AT_CRC) != crc32c(0, bytes, AT_CRC))
        return;
    *place = (struct scrub_place){.group = le_get_u64(bytes + AT_GROUP),
                                  .offset = (int64_t)le_get_u64(bytes + AT_OFFSET),
                                  .began_ms = (int64_t)le_get_u64(bytes + AT_BEGAN),
                                  .through = le_get_u32(bytes + AT_THROUGH) != 0};
}

static void encode(const struct scrub_place *place, uint8_t bytes[SIZE]) {
    le_put_u32(bytes, MAGIC);
    le_put_u32(bytes + 4, FORMAT);
    le_put_u64(bytes + AT_GROUP, place->group);
    le_put_u64(bytes + AT_OFFSET, (uint64_t)place->offset);
    le_put_u64(bytes + AT_BEGAN, (uint64_t)place->began_ms);
    le_put_u32(bytes + AT_THROUGH, place->through);
    le_put_u32(bytes + AT_CRC, crc32c(0, bytes, AT_CRC));
}

struct scrub_file *scrub_file_open(struct env *env, const char *directory,
                                   struct scrub_place *place) {
    struct scrub_file *scrub = mem_zalloc(sizeof *scrub);
    struct env_file *file;
    uint8_t bytes[SIZE];
    size_t got = 0;
    scrub->env = env;
    scrub->directory = mem_strdup(directory);
    scrub->path = path_join(directory, "scrub");
    *place = (struct scrub_place){0};
    if (env_file_open(env, scrub->path, ENV_READ, &file) != ERR_NONE) return scrub;
    if (env_file_read(file, bytes, sizeof bytes, 0, &got) == ERR_NONE && got == sizeof bytes)
        decode(bytes, place);
    env_file_close(file);
    return scrub;
}

static void scrub_free(struct scrub_file *scrub) {
    mem_free(scrub->directory);
    mem_free(scrub->path);
    mem_free(scrub);
}

static void write_work(struct env_job *job) {
    struct scrub_file *scrub = CONTAINER_OF(job, struct scrub_file, job);
    scrub->error = directory_put_file(scrub->env, scrub->directory, scrub->path, scrub->bytes,
                                      SIZE);
}

static void write_done(struct env_job *job) {
    struct scrub_file *scrub = CONTAINER_OF(job, struct scrub_file, job);
    scrub->busy = false;
    bool passing = error_is_no_room(scrub->error) || scrub->error == ERR_LIMIT;
    if (scrub->error && !passing)
        env_fatal(scrub->env, "cannot write %s (%s); %s, and start this broker again", scrub->path,
                  error_phrase(scrub->error), error_advice(scrub->error));
    if (scrub->closed) scrub_free(scrub);
}

void scrub_file_keep(struct scrub_file *scrub, const struct scrub_place *place) {
    if (scrub->busy) return; /* a slow disk: the next one is kept */
    encode(place, scrub->bytes);
    scrub->busy = true;
    scrub->job = (struct env_job){.work = write_work, .done = write_done};
    env_pool_run(scrub->env, &scrub->job);
}

void scrub_file_close(struct scrub_file *scrub) {
    if (scrub == NULL) return;
    scrub->closed = true;
    if (!scrub->busy) scrub_free(scrub);
}
