/* The steps of a write, in order, until one fails. */
#include "storage/segment/segment_write.h"

#include "base/mem.h"
#include "base/mutant.h"
#include "storage/segment/group_directory.h"

/* In the words of the sentence that says which one failed. */
static const char *const step_names[] = {"make the directory, with the file `name`, of",
                                         "open",
                                         "write",
                                         "sync",
                                         "write the index of",
                                         "sync the directory of"};

/* One of this name may have lost its segment, to a power cut or a kill between two removals, and
 * tells of other blocks. It is gone for good with the sync of the directory, before anything is
 * known to be in the new segment. */
static int remove_old_index(struct segment_write *write) {
    char *path = segment_path(write->segment, SEGMENT_FILE_INDEX);
    int error = env_unlink(write->env, path);
    mem_free(path);
    return error == ERR_NOT_FOUND ? 0 : error;
}

static int open_file(struct segment_write *write) {
    if (write->file) return 0;
    int flags = ENV_READ | ENV_WRITE | (write->create ? ENV_CREATE : 0);
    int error = env_file_open(write->env, write->path, flags, &write->file);
    write->opened = !error;
    if (error || !write->create) return error;
    error = remove_old_index(write);
    if (!error) error = env_file_truncate(write->file, 0);
    uint8_t header[SEGMENT_HEADER_SIZE];
    segment_header_encode(&write->segment->header, SEGMENT_FILE_LOG, header);
    struct env_iov iov = {.base = header, .len = sizeof header};
    return error ? error : env_file_write(write->file, &iov, 1, 0, false);
}

static int write_entries(struct segment_write *write) {
    static const uint8_t zeros[SEGMENT_BLOCK];
    if (write->count == 0 && write->padding == 0) return 0;
    struct env_iov *iov = mem_alloc((write->count * 2 + 1) * sizeof *iov);
    unsigned n = 0;
    for (size_t i = 0; i < write->count; i++) {
        const struct entry *entry = write->entries[i];
        iov[n++] = (struct env_iov){.base = entry->header, .len = ENTRY_HEADER_SIZE};
        if (entry->body.len > 0)
            iov[n++] = (struct env_iov){.base = entry->body.data, .len = entry->body.len};
    }
    if (write->padding > 0) iov[n++] = (struct env_iov){.base = zeros, .len = write->padding};
    int error = env_file_write_bulk(write->file, iov, n, write->position);
    mem_free(iov);
    return error;
}

static int write_index(struct segment_write *write) {
    if (!write->index_bytes) return 0;
    struct env_file *file;
    int error = env_file_open(write->env, write->index_path, ENV_WRITE | ENV_CREATE, &file);
    if (error) return error;
    if (write->index_position == 0) error = env_file_truncate(file, 0);
    struct env_iov iov = {.base = write->index_bytes, .len = write->index_len};
    if (!error) error = env_file_write(file, &iov, 1, write->index_position, true);
    env_file_close(file);
    return error;
}

static int sync_directories(struct segment_write *write) {
    if (MUTANT(MUTANT_DIRECTORY_NOT_SYNCED)) return 0;
    int error = write->sync_group_directory ? env_sync_dir(write->env, write->group_path) : 0;
    if (!error && write->sync_parent_directory)
        error = env_sync_dir(write->env, write->groups_path);
    return error;
}

static int do_step(struct segment_write *write) {
    switch (write->step) {
    case STEP_MAKE_DIRECTORY:
        return write->make_directory
                   ? group_directory_make(write->env, write->group_path, write->label)
                   : 0;
    case STEP_OPEN: return open_file(write);
    case STEP_WRITE: return write_entries(write);
    case STEP_SYNC: return MUTANT(MUTANT_SEGMENT_NOT_SYNCED) ? 0 : env_file_sync(write->file);
    case STEP_INDEX: return write_index(write);
    case STEP_DIRECTORY: return sync_directories(write);
    }
    return 0;
}

void segment_write_run(struct segment_write *write) {
    enum segment_write_step last = write->sync ? STEP_DIRECTORY : STEP_WRITE;
    for (write->step = STEP_MAKE_DIRECTORY;; write->step++) {
        write->error = do_step(write);
        if (write->error || write->step == last) return;
    }
}

const char *segment_write_step_name(const struct segment_write *write) {
    return step_names[write->step];
}

bool segment_write_failed_to_sync(const struct segment_write *write) {
    return write->error && (write->step == STEP_SYNC || write->step == STEP_DIRECTORY);
}
