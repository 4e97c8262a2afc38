/* Line by line; names may hold colons, what is behind them does not. */
#include "broker/users/users_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/secure/base64.h"
#include "base/settings.h"

enum { LINE_MAX_BYTES = 1024, FIELDS = 5, DIGITS_MOST = 6 };
static const char SETTING[] = "bootstrap.users.file";

/* The part behind the last colon of `*len` bytes, which then ends before it. */
static bool last_field(const char *line, size_t *len, const char **field, size_t *field_len) {
    const char *colon = memrchr(line, ':', *len);
    if (colon == NULL) return false;
    *field = colon + 1;
    *field_len = *len - (size_t)(colon + 1 - line);
    *len = (size_t)(colon - line);
    return true;
}

static bool read_iterations(const char *text, size_t len, int32_t *into) {
    *into = 0;
    for (size_t i = 0; i < len && len <= DIGITS_MOST; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        *into = *into * 10 + (text[i] - '0');
    }
    return len > 0 && len <= DIGITS_MOST;
}

bool users_file_line(const char *line, size_t len, struct user_key *key) {
    const char *fields[FIELDS];
    size_t lens[FIELDS], stored, server;
    *key = (struct user_key){0};
    for (size_t i = FIELDS; i-- > 0;)
        if (!last_field(line, &len, &fields[i], &lens[i])) return false;
    key->mechanism = scram_named(fields[0], lens[0]);
    size_t size = scram_hash_size(key->mechanism);
    bool good = user_name_fault(line, len) == NULL && key->mechanism != SCRAM_NONE &&
                read_iterations(fields[1], lens[1], &key->iterations) &&
                base64_decode(BASE64_PADDED, fields[2], lens[2], key->salt, sizeof key->salt,
                              &key->salt_len) &&
                user_key_fault(key) == NULL &&
                base64_decode(BASE64_PADDED, fields[3], lens[3], key->keys.stored, size, &stored) &&
                base64_decode(BASE64_PADDED, fields[4], lens[4], key->keys.server, size, &server) &&
                stored == size && server == size;
    if (good) key->name = mem_text(line, len);
    return good;
}

static int read_lines(FILE *file, const char *path, struct user_table *into,
                      struct error_text *why) {
    char line[LINE_MAX_BYTES];
    struct user_key key;
    bool good = true;
    int number = 0;
    while (good && fgets(line, sizeof line, file) != NULL) {
        size_t len = strcspn(line, "\r\n");
        number++;
        if (len == 0 || line[0] == '#') continue;
        good = line[len] != '\0' || feof(file); /* else it is longer */
        good = good && into->count < USER_KEYS_MAX && users_file_line(line, len, &key);
        if (!good) break;
        user_table_set(into, &key);
        mem_free(key.name);
    }
    scram_wipe(&key, sizeof key);
    scram_wipe(line, sizeof line);
    if (good) return ERR_NONE;
    return error_set(
        why, ERR_INVALID,
        "line %d of %s=%.200s is not NAME:MECHANISM:ITERATIONS:SALT:STOREDKEY:SERVERKEY; "
        "drave user hash NAME writes one",
        number, SETTING, path);
}

int users_file_read(const char *path, struct user_table *into, struct error_text *why) {
    struct stat status;
    FILE *file;
    int error = settings_open_file(path, &file);
    if (error != ERR_NONE)
        return error_set(why, ERR_INVALID, "%s=%.200s cannot be read (%s)", SETTING, path,
                         error_phrase(error));
    setvbuf(file, NULL, _IONBF, 0); /* no second copy of keys */
    if (fstat(fileno(file), &status) != 0 || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        error = error_set(why, ERR_INVALID,
                          "%s=%.200s may be read by others than its owner; chmod 600", SETTING,
                          path);
    else
        error = read_lines(file, path, into, why);
    fclose(file);
    return error;
}
