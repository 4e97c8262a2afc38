/* The rename, and what follows it. */
#include "storage/clean/clean_swap.h"

#include "base/mem.h"

void clean_swap_open(struct clean_swap *swap, struct env *env, const char *group_path,
                     const struct clean_output *output, const struct clean_input *inputs) {
    uint64_t position;
    *swap = (struct clean_swap){
        .env = env, .output = *output, .group_path = mem_strdup(group_path)};
    swap->others = mem_alloc(output->count * sizeof *swap->others);
    for (size_t i = 1; i < output->count; i++)
        swap->others[i - 1] = inputs[output->first + i].header.base_offset;
    swap->index_bytes = segment_index_take_block(&swap->output.index, &position, &swap->index_len);
    if (swap->index_bytes != NULL) return;
    /* Nothing is left of it; its header is known from the index all the same (known_header.h). */
    swap->index_len = SEGMENT_HEADER_SIZE;
    swap->index_bytes = mem_alloc(SEGMENT_HEADER_SIZE);
    segment_header_encode(&swap->output.index.header, SEGMENT_FILE_INDEX, swap->index_bytes);
}

void clean_swap_close(struct clean_swap *swap) {
    segment_index_close(&swap->output.index);
    mem_free(swap->group_path);
    mem_free(swap->others);
    mem_free(swap->index_bytes);
}

static char *path_of(const struct clean_swap *swap, enum segment_file_kind kind) {
    return path_of_segment(swap->group_path, swap->output.index.header.base_offset, kind);
}

/* What has the name of an unfinished segment gets that of a file of this kind. */
static int take_name(const struct clean_swap *swap, enum segment_file_kind kind) {
    char *from = path_of(swap, SEGMENT_FILE_CLEAN), *to = path_of(swap, kind);
    int error = env_rename(swap->env, from, to);
    mem_free(from);
    mem_free(to);
    return error;
}

static void unlink_others(const struct clean_swap *swap) {
    for (size_t i = 0; i + 1 < swap->output.count; i++) {
        for (int kind = SEGMENT_FILE_LOG; kind <= SEGMENT_FILE_INDEX; kind++) {
            char *path = path_of_segment(swap->group_path, swap->others[i],
                                         (enum segment_file_kind)kind);
            env_unlink(swap->env, path);
            mem_free(path);
        }
    }
}

static int put_bytes(const struct clean_swap *swap, struct env_file *file) {
    struct env_iov iov = {swap->index_bytes, swap->index_len};
    int error = env_file_truncate(file, 0);
    return error ? error : env_file_write(file, &iov, 1, 0, false);
}

/* Aside, so that nobody reads half of it. */
static void write_index(const struct clean_swap *swap) {
    struct env_file *file;
    char *aside = path_of(swap, SEGMENT_FILE_CLEAN);
    int error = env_file_open(swap->env, aside, ENV_WRITE | ENV_CREATE, &file);
    if (!error) {
        error = put_bytes(swap, file);
        env_file_close(file);
        if (!error) error = take_name(swap, SEGMENT_FILE_INDEX);
        if (error) env_unlink(swap->env, aside);
    }
    mem_free(aside);
}

enum clean_swap_outcome clean_swap_put(struct clean_swap *swap, int *error) {
    *error = swap->renamed ? ERR_NONE : take_name(swap, SEGMENT_FILE_LOG);
    if (error_is_no_room(*error) || *error == ERR_LIMIT) return CLEAN_SWAP_NOT_BEGUN;
    if (*error) return CLEAN_SWAP_UNKNOWN;
    swap->renamed = true;
    *error = env_sync_dir(swap->env, swap->group_path);
    if (*error == ERR_LIMIT) return CLEAN_SWAP_HALF;
    if (*error) return CLEAN_SWAP_UNKNOWN;
    unlink_others(swap);
    write_index(swap);
    return CLEAN_SWAP_DONE;
}
