/* The file `start` of a group: one byte (odd: checksums are made right first), then the file. What
 * is read is what is written again. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "storage/little_endian.h"
#include "storage/segment/start_file.h"
#include "tests/fuzz/workspace.h"

enum { GROUP = 1, AT_FORMAT = 4, AT_CHANGE_LEN = 36, EARLY_CRC_AT = 48, CRC_AT = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void seal(uint8_t *copy, size_t len) {
    size_t at = le_get_u32(copy + AT_FORMAT) == 1 ? EARLY_CRC_AT : CRC_AT,
           change = le_get_u32(copy + AT_CHANGE_LEN);
    if (change > len - at - 4) return;
    le_put_u32(copy + at, crc32c(crc32c(0, copy, at), copy + at + 4, change));
}

static char *folder_of(const struct workspace *workspace, const char *name) {
    size_t size = strlen(workspace->path) + strlen(name) + 2;
    char *path = mem_alloc(size);
    snprintf(path, size, "%s/%s", workspace->path, name);
    return path;
}

/* It can be used: what a start does with it holds, and it survives being written. */
static void use(struct env *env, const char *folder, const struct start_file *start) {
    struct start_file again;
    CHECK(start->index > 0 && start->file_index <= start->index &&
          start->file_offset <= start->next_offset && start->change_index <= start->index);
    CHECK(start_file_write(env, folder, GROUP, start) == ERR_NONE);
    CHECK(start_file_read(env, folder, GROUP, &again) == ERR_NONE);
    CHECK(again.index == start->index && again.term == start->term &&
          again.next_offset == start->next_offset && again.file_index == start->file_index &&
          again.file_offset == start->file_offset && again.change_index == start->change_index &&
          again.change.len == start->change.len);
    CHECK(start->change.len == 0 ||
          memcmp(again.change.data, start->change.data, start->change.len) == 0);
    slice_unref(&again.change);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct workspace *workspace = workspace_get();
    if (len < 1) return 0;
    uint8_t *file = mem_alloc(len);
    size_t size = len - 1;
    memcpy(file, data + 1, size);
    if ((data[0] & 1) && size / 2 > CRC_AT + 4) {
        seal(file, size / 2);
        seal(file + size / 2, size / 2);
    }
    mem_free(workspace_put(workspace, "group/start", file, size));
    char *folder = folder_of(workspace, "group");
    struct start_file start;
    if (start_file_read(workspace->env, folder, GROUP, &start) == ERR_NONE) {
        use(workspace->env, folder, &start);
        slice_unref(&start.change);
    }
    mem_free(folder);
    mem_free(file);
    workspace_clear(workspace);
    return 0;
}
