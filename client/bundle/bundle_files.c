/* Files in memory, each with its call. */
#include "client/bundle/bundle_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/line/talk.h"

void bundle_files_open(struct bundle_files *files, const struct invocation *in) {
    *files = (struct bundle_files){.in = in, .calls = json_object()};
}

void bundle_files_close(struct bundle_files *files) {
    for (size_t i = 0; i < files->count; i++) {
        mem_free(files->items[i].data);
    }
    mem_free(files->items);
    json_decref(files->calls);
}

void bundle_put(struct bundle_files *files, const char *name, const void *data, size_t len) {
    files->items = mem_grow(files->items, files->count, &files->room, sizeof(*files->items));
    struct bundle_file *file = &files->items[files->count++];
    snprintf(file->name, sizeof(file->name), "%s", name);
    file->data = mem_text(data, len);
    file->len = len;
}

json_t *bundle_call(const char *command, char **words, int word_count, const char *const *flags,
                    size_t flag_count) {
    json_t *call = json_array();
    json_array_append_new(call, json_string(command));
    for (int i = 0; i < word_count; i++) {
        json_array_append_new(call, json_string(words[i]));
    }
    for (size_t i = 0; i < flag_count; i++) {
        json_array_append_new(call, json_sprintf("--%s", flags[i]));
    }
    return call;
}

/* Once, for people or for programs; false: it printed nothing. */
static bool run_once(struct bundle_files *files, const char *file,
                     const struct bundle_command *command, struct invocation *call) {
    static const char *const flags[] = {"all"};
    struct held_talk talk;
    char name[ARCHIVE_NAME];
    talk_hold();
    int code = command->run(call);
    talk_held(&talk);
    bool printed = talk.printed_len > 0;
    snprintf(name, sizeof(name), "%.70s.%s", file,
             !printed && code != EXIT_DONE ? "failed.txt"
             : call->json                  ? "json"
                                           : "txt");
    bool tells = printed || !talk.said || code == EXIT_DONE;
    bundle_put(files, name, tells ? (printed ? talk.printed : "") : talk.said,
               tells ? talk.printed_len : talk.said_len);
    json_object_set_new(files->calls, name,
                        json_pack("{s:o,s:i,s:s%}", "call",
                                  bundle_call(command->name, call->words, call->word_count, flags,
                                              call->value_count),
                                  "exit", code, "said", talk.said ? talk.said : "", talk.said_len));
    mem_free(talk.printed);
    mem_free(talk.said);
    return printed;
}

const char *bundle_run(struct bundle_files *files, const char *file,
                       const struct bundle_command *command, char **words, int word_count,
                       bool all) {
    struct invocation call = {.command = files->in->command,
                              .bootstrap = files->in->bootstrap,
                              .json = true,
                              .timeout_ms = files->in->timeout_ms,
                              .timeout_given = files->in->timeout_given,
                              .words = words,
                              .word_count = word_count};
    if (all) {
        call.values[call.value_count].key = OPTION_ALL;
        call.values[call.value_count++].value = "";
    }
    if (!run_once(files, file, command, &call)) {
        return NULL;
    }
    size_t as_json = files->count - 1;
    call.json = false;
    run_once(files, file, command, &call);
    return files->items[as_json].data;
}

void bundle_pack(const struct bundle_files *files, struct archive *archive, int64_t time_s) {
    for (size_t i = 0; i < files->count; i++) {
        char path[ARCHIVE_NAME];
        snprintf(path, sizeof(path), BUNDLE_FOLDER "%.85s", files->items[i].name);
        archive_add(archive, path, files->items[i].data, files->items[i].len, time_s);
    }
}
