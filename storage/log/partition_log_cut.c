/* Cutting off, at a start, what was written and never synced: whole segments, and the end of the
 * active one with its index. */
#include "storage/log/partition_log_cut.h"

#include "base/mem.h"
#include "storage/log/log_internal.h"

static int cut_log(struct env_file *file, uint64_t to) {
    uint64_t size;
    int error = env_file_size(file, &size);
    return error || size <= to ? error : env_file_truncate(file, to);
}

int partition_log_cut(struct partition_log *log, const int64_t *bases, size_t count, size_t kept,
                      bool *sync_failed, struct error_text *why) {
    struct env *env = log->store->env;
    int error = 0;
    for (size_t i = kept; !error && i < count; i++) {
        for (int kind = SEGMENT_FILE_LOG; kind <= SEGMENT_FILE_INDEX; kind++) {
            char *path = path_of_segment(log->path, bases[i], (enum segment_file_kind)kind);
            int unlinked = env_unlink(env, path);
            if (unlinked && unlinked != ERR_NOT_FOUND)
                error = error_set(why, unlinked, "%s cannot be removed (%s); %s", path,
                                  error_phrase(unlinked), error_advice(unlinked));
            mem_free(path);
        }
    }
    struct segment *active = partition_log_active(log);
    if (error || !active) return error;
    uint64_t sizes[2] = {active->end.position, active->index->file_size};
    for (int kind = SEGMENT_FILE_LOG; !error && kind <= SEGMENT_FILE_INDEX; kind++) {
        char *path = segment_path(active, (enum segment_file_kind)kind);
        struct env_file *file;
        error = env_file_open(env, path, ENV_READ | ENV_WRITE, &file);
        if (!error) {
            error = kind == SEGMENT_FILE_LOG ? cut_log(file, sizes[kind])
                                             : segment_index_cut(file, sizes[kind], sync_failed);
            env_file_close(file);
        } else if (error == ERR_NOT_FOUND && kind == SEGMENT_FILE_INDEX) {
            error = 0;
        }
        if (error)
            error_set(why, error, "%s cannot be cut (%s); %s", path, error_phrase(error),
                      error_advice(error));
        mem_free(path);
    }
    return error;
}
