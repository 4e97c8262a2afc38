/* Reading and comparing headers. */
#include "storage/heal/known_header.h"

#include "base/mem.h"

static bool is_of(const struct segment_header *header, uint64_t group, kafka_offset base) {
    return header->group == group && header->base_offset == base;
}

bool known_header_read(struct env *env, const char *group_path, uint64_t group, kafka_offset base,
                       enum segment_file_kind kind, struct segment_header *header) {
    uint8_t bytes[SEGMENT_HEADER_SIZE];
    struct env_file *file;
    size_t got = 0;
    char *path = path_of_segment(group_path, base, kind);
    int error = env_file_open(env, path, ENV_READ, &file);
    mem_free(path);
    if (error) return false;
    error = env_file_read(file, bytes, sizeof bytes, 0, &got);
    env_file_close(file);
    return !error && got == sizeof bytes &&
           segment_header_decode(bytes, kind, header) == ERR_NONE && is_of(header, group, base);
}

bool known_header_is_damaged(const uint8_t bytes[SEGMENT_HEADER_SIZE], uint64_t group,
                             kafka_offset base) {
    struct segment_header header;
    int error = segment_header_decode(bytes, SEGMENT_FILE_LOG, &header);
    if (error == ERR_NONE) return !is_of(&header, group, base);
    return error == ERR_MALFORMED || error == ERR_CORRUPT;
}

bool known_header_complete(struct env *env, const char *group_path, bool raw,
                           struct segment_header *chained) {
    struct segment_header of_index;
    if (raw) return true;
    bool known = known_header_read(env, group_path, chained->group, chained->base_offset,
                                   SEGMENT_FILE_INDEX, &of_index) &&
                 of_index.first_index == chained->first_index;
    if (known) *chained = of_index;
    return known;
}
