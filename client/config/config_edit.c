/*
 * drave config edit: the settings of a resource in an editor.
 *
 * Happy path: a file with one line NAME=VALUE for each setting that the resource has of its own,
 * and the others as comments with their meaning; the editor of $VISUAL or $EDITOR; what differs
 * afterwards is shown, checked by the cluster, and changed. Failures: an editor that ends with
 * another code than 0 changes nothing; a line that is none, and what the cluster refuses, leave the
 * file where it is, so that nothing that was typed is lost. Bounds: FILE_MOST bytes are read.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/io/output.h"
#include "base/mem.h"
#include "client/config/config_resource.h"
#include "client/kafka/cluster_view.h"
#include "client/line/talk.h"

enum { FILE_MOST = 1 << 20, CHANGES_MOST = 500 };

struct edit {
    struct configs configs;
    char path[64];
    char *text; /* of the file, cut into lines; mem_free */
    char *words[CHANGES_MOST + 1];
    int count; /* of words; the first is the resource */
};

static bool is_own(const struct configs *c,
                   const struct kp_describe_configs_response_config *config) {
    return config->config_source == configs_own_source(c);
}

/* ---- The file ---- */

static void print_setting(struct output *out, struct configs *c,
                          const struct kp_describe_configs_response_config *config) {
    struct kp_arena *arena = &c->session.arena;
    output_print(out, "\n# %s\n%s%s=%s\n", cluster_text(arena, config->documentation),
                 is_own(c, config) ? "" : "# ", cluster_text(arena, config->name),
                 cluster_text(arena, config->value));
}

/* Those of its own first; what cannot be changed is left out. */
static bool write_file(struct edit *edit) {
    struct configs *c = &edit->configs;
    snprintf(edit->path, sizeof(edit->path), "/tmp/drave-config-XXXXXX");
    int fd = mkstemp(edit->path);
    if (fd < 0) {
        say("%s cannot be made: %s", edit->path, error_phrase(error_from_errno(errno)));
        return false;
    }
    struct output *out = mem_zalloc(sizeof(*out));
    output_open(out, fd);
    output_print(
        out,
        "# Settings of %s, each NAME=VALUE. A line that is taken out goes back to what "
        "holds behind it.\n# Lines with # in front say what holds now; they are not looked "
        "at.\n",
        c->in->words[0]);
    for (int own = 1; own >= 0; own--) {
        for (int32_t i = 0; i < c->found.configs.count; i++) {
            const struct kp_describe_configs_response_config *config = &c->found.configs.items[i];
            if (is_own(c, config) == own && !config->read_only && !config->is_sensitive) {
                print_setting(out, c, config);
            }
        }
    }
    bool whole = output_flush(out);
    whole = close(fd) == 0 && whole;
    mem_free(out);
    if (!whole) {
        say("%s cannot be written; is the disk full?", edit->path);
        unlink(edit->path);
    }
    return whole;
}

static const char *editor(void) {
    const char *visual = getenv("VISUAL"), *plain = getenv("EDITOR");
    return visual && *visual ? visual : plain && *plain ? plain : "vi";
}

/* The words of $EDITOR are a shell's, as everybody has them. */
static bool run_editor(const char *path) {
    char command[1024];
    int status = -1;
    snprintf(command, sizeof(command), "%.900s \"$1\"", editor());
    print_flush();
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", command, "drave", path, (char *)NULL);
        _exit(127);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return true;
    }
    say("the editor \"%s\" did not end well: nothing was changed; $VISUAL or $EDITOR names another",
        editor());
    return false;
}

static bool read_file(struct edit *edit) {
    FILE *file = fopen(edit->path, "r");
    edit->text = mem_zalloc(FILE_MOST);
    size_t got = file ? fread(edit->text, 1, FILE_MOST - 1, file) : 0;
    bool whole = file && !ferror(file) && got < FILE_MOST - 1 && strlen(edit->text) == got;
    if (file) {
        fclose(file);
    }
    if (!whole) {
        say("%s cannot be read whole (%d bytes of text at most): nothing was changed", edit->path,
            FILE_MOST);
    }
    return whole;
}

/* ---- What has changed ---- */

/* The setting of the line's name among those of the resource's own; its value, or NULL. */
static const char *own_value(struct configs *c, const char *name, size_t len) {
    for (int32_t i = 0; i < c->found.configs.count; i++) {
        const struct kp_describe_configs_response_config *config = &c->found.configs.items[i];
        if (is_own(c, config) && (size_t)config->name.len == len &&
            memcmp(config->name.data, name, len) == 0) {
            return cluster_text(&c->session.arena, config->value);
        }
    }
    return NULL;
}

static bool has_line(char **lines, size_t count, struct kp_string name) {
    for (size_t i = 0; i < count; i++) {
        size_t len = strcspn(lines[i], "=");
        if ((size_t)name.len == len && memcmp(lines[i], name.data, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool add_word(struct edit *edit, char *word) {
    if (edit->count > CHANGES_MOST) {
        say("more than %d changes at once; change fewer", CHANGES_MOST);
        return false;
    }
    edit->words[edit->count++] = word;
    return true;
}

/* Lines with a name and a value, into `lines`; false: one is none. */
static bool cut_lines(struct edit *edit, char **lines, size_t *count) {
    char *rest = edit->text, *line;
    *count = 0;
    while ((line = strsep(&rest, "\n")) != NULL) {
        line += strspn(line, " \t");
        if (!*line || *line == '#') {
            continue;
        }
        if (strcspn(line, "=") == strlen(line) || *line == '=' || *count >= CHANGES_MOST) {
            say("%s: \"%.60s\" is not NAME=VALUE: nothing was changed; what you wrote is there",
                edit->path, line);
            return false;
        }
        lines[(*count)++] = line;
    }
    return true;
}

static bool find_changes(struct edit *edit) {
    struct configs *c = &edit->configs;
    char **lines = mem_alloc(CHANGES_MOST * sizeof(*lines));
    size_t count;
    bool well = cut_lines(edit, lines, &count);
    for (size_t i = 0; well && i < count; i++) {
        size_t len = strcspn(lines[i], "=");
        const char *now = own_value(c, lines[i], len);
        well = (now && strcmp(now, lines[i] + len + 1) == 0) || add_word(edit, lines[i]);
    }
    for (int32_t i = 0; well && i < c->found.configs.count; i++) {
        const struct kp_describe_configs_response_config *config = &c->found.configs.items[i];
        bool shown = is_own(c, config) && !config->read_only && !config->is_sensitive;
        well = !shown || has_line(lines, count, config->name) ||
               add_word(edit, (char *)cluster_text(&c->session.arena, config->name));
    }
    mem_free(lines);
    return well;
}

static void say_changes(const struct edit *edit) {
    for (int i = 1; i < edit->count; i++) {
        const char *equals = strchr(edit->words[i], '=');
        say_plain("%s %s%s", edit->words[0],
                  equals ? "" : "goes back to what holds behind its own ", edit->words[i]);
    }
}

/* ---- The command ---- */

static int edit_and_change(struct edit *edit, const struct invocation *in) {
    bool check = invocation_has(in, OPTION_DRY_RUN);
    if (!run_editor(edit->path)) {
        unlink(edit->path);
        return EXIT_REFUSED;
    }
    if (!read_file(edit) || !find_changes(edit)) {
        return EXIT_REFUSED;
    }
    if (edit->count == 1) {
        unlink(edit->path);
        say_plain("nothing is different: nothing was changed");
        return EXIT_DONE;
    }
    struct invocation changed = *in;
    changed.words = edit->words;
    changed.word_count = edit->count;
    edit->configs.in = &changed;
    say_changes(edit);
    int code = configs_change(&edit->configs, check);
    if (code) {
        say("nothing was changed; what you wrote is in %s", edit->path);
        return code;
    }
    unlink(edit->path);
    say_plain(check ? "the cluster would take it; nothing was changed (--dry-run)"
                    : "it holds now");
    return EXIT_DONE;
}

int command_config_edit(struct invocation *in) {
    struct edit edit = {.words = {in->words[0]}, .count = 1};
    int code = configs_begin(&edit.configs, in);
    if (code) {
        return code;
    }
    code = configs_describe(&edit.configs);
    if (!code) {
        code = write_file(&edit) ? edit_and_change(&edit, in) : EXIT_REFUSED;
    }
    mem_free(edit.text);
    return session_end(&edit.configs.session, code);
}
