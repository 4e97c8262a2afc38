/* Making the directory of a group, with its label, and telling whether it is there. */
#include "storage/segment/group_directory.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "storage/segment/segment_format.h"

enum { TURNS_MAX = 1000, TURN_ROOM = 12 };

static bool has_label(struct env *env, const char *path, const char *label) {
    size_t len = strlen(label), got = 0;
    struct env_file *file;
    if (env_file_open(env, path, ENV_READ, &file) != 0) return false;
    char *found = mem_alloc(len + 2);
    int error = env_file_read(file, found, len + 2, 0, &got);
    bool same = !error && got == len + 1 && memcmp(found, label, len) == 0;
    mem_free(found);
    env_file_close(file);
    return same;
}

static int write_label(struct env *env, const char *path, const char *label) {
    struct env_file *file;
    int error = env_file_open(env, path, ENV_WRITE | ENV_CREATE, &file);
    if (error) return error;
    struct env_iov iov[2] = {{.base = label, .len = strlen(label)}, {.base = "\n", .len = 1}};
    error = env_file_truncate(file, 0);
    if (!error) error = env_file_write(file, iov, 2, 0, false);
    env_file_close(file);
    return error;
}

bool group_directory_is_made(struct env *env, const char *path, const char *label) {
    char *name = path_join(path, "name");
    bool made = has_label(env, name, label);
    mem_free(name);
    return made;
}

int group_directory_make(struct env *env, const char *path, const char *label) {
    int error = env_mkdir(env, path);
    if (error && error != ERR_EXISTS) return error;
    char *name = path_join(path, "name");
    error = has_label(env, name, label) ? 0 : write_label(env, name, label);
    mem_free(name);
    return error;
}

/* What is left of an earlier removal of the same group, which the journal did not hear of, has the
 * first of these names. */
static void name_aside(const char *path, unsigned turn, char *into, size_t size) {
    if (turn == 0)
        snprintf(into, size, "%s" GROUP_DIRECTORY_ASIDE, path);
    else
        snprintf(into, size, "%s.%u" GROUP_DIRECTORY_ASIDE, path, turn);
}

int group_directory_put_aside(struct env *env, const char *path, char **aside) {
    size_t size = strlen(path) + TURN_ROOM + sizeof GROUP_DIRECTORY_ASIDE;
    char *name = mem_alloc(size);
    unsigned turn = 0;
    int error;
    do {
        name_aside(path, turn, name, size);
        error = env_rename(env, path, name);
    } while (error == ERR_EXISTS && turn++ < TURNS_MAX);
    if (error) {
        mem_free(name);
        name = NULL;
    }
    *aside = name;
    return error;
}
