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
#include "client/config/config_lines.h"
#include "client/config/config_resource.h"
#include "client/kafka/cluster_view.h"
#include "client/line/talk.h"

enum { FILE_MOST = 1 << 20 };

struct edit {
    struct configs configs;
    char path[64];
    char *text; /* of the file, cut into lines; mem_free */
    char *words[CONFIG_LINES_MOST + 1];
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
            if (is_own(c, config) == own && config_is_shown(config)) {
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

/* ---- The command ---- */

static void say_changes(const struct edit *edit) {
    for (int i = 1; i < edit->count; i++) {
        const char *equals = strchr(edit->words[i], '=');
        say_plain("%s %s%s", edit->words[0],
                  equals ? "" : "goes back to what holds behind its own ", edit->words[i]);
    }
}

static int edit_and_change(struct edit *edit, const struct invocation *in) {
    bool check = invocation_has(in, OPTION_DRY_RUN);
    if (!run_editor(edit->path)) {
        unlink(edit->path);
        return EXIT_REFUSED;
    }
    struct config_lines lines = {.found = &edit->configs.found,
                                 .own_source = configs_own_source(&edit->configs),
                                 .arena = &edit->configs.session.arena};
    if (!read_file(edit)) {
        return EXIT_REFUSED;
    }
    if (!config_lines_compare(&lines, edit->text, edit->words, &edit->count)) {
        say("what you wrote is in %s; take it from there, and edit again", edit->path);
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
