/* Reading either form into one JSON tree, and writing it. */
#include "client/commands/group_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/line/talk.h"

enum { FILE_MAX = 64 << 20, PIECE = 65536 };

static int read_whole(const char *path, char **text) {
    FILE *from = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    size_t len = 0, room = PIECE;
    if (!from) {
        say("%s cannot be read: %s", path, error_phrase(error_from_errno(errno)));
        return EXIT_REFUSED;
    }
    char *data = mem_alloc(room + 1);
    for (size_t n; (n = fread(data + len, 1, room - len, from)) > 0 && len < FILE_MAX;) {
        len += n;
        if (len == room) {
            data = mem_realloc(data, (room *= 2) + 1);
        }
    }
    if (from != stdin) {
        fclose(from);
    }
    data[len] = 0;
    *text = data;
    return EXIT_DONE;
}

/* ---- Lines ---- */

static bool whole_number(const char *text, json_int_t *value) {
    char *end;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return end != text && !*end && !errno && *value >= 0;
}

/* "t,0,17" or "g,t,0,17"; a field may stand in quotes. */
static bool take_line(char *line, json_t *root, json_t *offsets) {
    char *fields[4], *rest = line;
    size_t count = 0;
    json_int_t partition, offset;
    while (rest && count < 4) {
        char *field = strsep(&rest, ",");
        size_t len = strlen(field);
        if (len >= 2 && field[0] == '"' && field[len - 1] == '"') {
            field[len - 1] = 0;
            field++;
        }
        fields[count++] = field;
    }
    if (rest || count < 3 || !whole_number(fields[count - 2], &partition) ||
        !whole_number(fields[count - 1], &offset)) {
        return false;
    }
    if (count == 4) {
        json_object_set_new(root, "group", json_string(fields[0]));
    }
    json_array_append_new(offsets, json_pack("{s:s,s:I,s:I}", "topic", fields[count - 3],
                                             "partition", partition, "offset", offset));
    return true;
}

static int read_lines(const char *path, char *text, json_t **root) {
    json_t *offsets = json_array();
    *root = json_pack("{s:o}", "offsets", offsets);
    char *rest = text, *line;
    for (int number = 1; (line = strsep(&rest, "\n")) != NULL; number++) {
        line[strcspn(line, "\r")] = 0;
        if (*line && !take_line(line, *root, offsets)) {
            say("%s, line %d: that is not topic,partition,offset", path, number);
            return EXIT_REFUSED;
        }
    }
    return EXIT_DONE;
}

/* ---- JSON ---- */

static int check_json(const char *path, const json_t *root) {
    size_t i;
    json_t *one, *offsets = json_object_get(root, "offsets");
    if (!json_is_array(offsets)) {
        say("%s has no \"offsets\"; it should be what drave group export prints", path);
        return EXIT_REFUSED;
    }
    json_array_foreach(offsets, i, one) {
        if (!json_is_string(json_object_get(one, "topic")) ||
            !json_is_integer(json_object_get(one, "partition")) ||
            !json_is_integer(json_object_get(one, "offset"))) {
            say("%s, number %zu of \"offsets\": it needs topic, partition and offset", path, i + 1);
            return EXIT_REFUSED;
        }
    }
    return EXIT_DONE;
}

int group_file_open(struct group_file *file, const char *path) {
    char *text = NULL;
    json_error_t why;
    *file = (struct group_file){NULL, NULL};
    int code = read_whole(path, &text);
    if (code) {
        return code;
    }
    if (text[strspn(text, " \t\r\n")] == '{') {
        file->root = json_loads(text, 0, &why);
        if (!file->root) {
            say("%s, line %d: %s", path, why.line, why.text);
        }
        code = file->root ? check_json(path, file->root) : EXIT_REFUSED;
    } else {
        code = read_lines(path, text, &file->root);
    }
    mem_free(text);
    file->group = json_string_value(json_object_get(file->root, "group"));
    return code;
}

void group_file_close(struct group_file *file) {
    json_decref(file->root);
    file->root = NULL;
}

void group_file_plan(const struct group_file *file, struct plan *plan) {
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(file->root, "offsets"), i, one) {
        const char *metadata = json_string_value(json_object_get(one, "metadata"));
        struct plan_row *row = plan_add(
            plan, json_string_value(json_object_get(one, "topic")),
            (int32_t)json_integer_value(json_object_get(one, "partition")),
            json_integer_value(json_object_get(one, "offset")));
        row->metadata = metadata ? metadata : "";
    }
}

json_t *group_file_of(const struct group_view *view) {
    json_t *offsets = json_array();
    for (size_t i = 0; i < view->offset_count; i++) {
        const struct group_offset *one = &view->offsets[i];
        if (one->committed >= 0) {
            json_array_append_new(offsets,
                                  json_pack("{s:s,s:i,s:I,s:s}", "topic", one->topic, "partition",
                                            (int)one->partition, "offset",
                                            (json_int_t)one->committed, "metadata", one->metadata));
        }
    }
    return json_pack("{s:s,s:o}", "group", view->group, "offsets", offsets);
}
