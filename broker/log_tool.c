/*
 * The offline tools on a data directory: printing around storage/dump/dump.h.
 *
 * Happy path: a line for each batch, or the totals of a check without damage. Failures: each damage
 * is a line with its place, and the exit code is 1; a directory of many gigabytes is not read on
 * for an output that nobody takes.
 */
#include "broker/log_tool.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/env_uv/env_uv.h"
#include "base/printable.h"
#include "storage/dump/dump.h"

static const char NAME[] = "draved: ";
enum { STDERR_FD = 2, LINE_MAX_BYTES = 2048, EXIT_DONE = 0, EXIT_REFUSED = 1 };

struct tool {
    const struct options *options;
    struct output *out;
    uint64_t unnamed, first_unnamed; /* logs that --topic left out, and the group of the first */
};

static struct env *open_env(void) {
    struct env *env;
    if (env_uv_new(&env, STDERR_FD) != ERR_NONE) {
        output_sentence(NAME, "the event loop cannot be made; is the limit of open files used up?");
        return NULL;
    }
    return env;
}

static int tool_end(struct tool *tool, struct env *env, int error, const struct error_text *why) {
    env_uv_free(env);
    if (error == ERR_NONE) return EXIT_DONE;
    output_flush(tool->out);
    output_sentence(NAME, "%s", why->text);
    return EXIT_REFUSED;
}

static void end_if_broken(struct tool *tool) {
    if (tool->out->failed != 0) exit(output_end(tool->out, EXIT_DONE, NAME));
}

static void print_batch(void *arg, const struct dump_batch *batch) {
    struct tool *tool = arg;
    char line[LINE_MAX_BYTES];
    if (tool->options->json)
        dump_batch_json(batch, line, sizeof line);
    else
        dump_batch_text(batch, line, sizeof line);
    output_print(tool->out, "%s\n", line);
    end_if_broken(tool);
}

static void note_unnamed(void *arg, uint64_t group) {
    struct tool *tool = arg;
    if (tool->unnamed++ == 0) tool->first_unnamed = group;
}

int log_tool_dump(const struct options *options, struct output *out) {
    struct env *env = open_env();
    if (env == NULL) return EXIT_REFUSED;
    struct error_text why;
    struct tool tool = {.options = options, .out = out};
    struct dump_filter filter = {
        .topic = options->topic, .partition = (int32_t)options->partition, .unnamed = note_unnamed};
    int error = dump_batches(env, options->directory, &filter, print_batch, &tool, &why);
    if (tool.unnamed > 0)
        output_sentence(
            NAME,
            "%" PRIu64
            " partitions whose records are all in the journal have no name there yet, and were left out; "
            "they may be of topic %s: look without --topic, or with --topic %016" PRIx64
            " for the first of them",
            tool.unnamed, options->topic, tool.first_unnamed);
    return tool_end(&tool, env, error, &why);
}

static void print_damage(void *arg, const struct dump_damage *damage) {
    struct tool *tool = arg;
    char file[LINE_MAX_BYTES], what[LINE_MAX_BYTES];
    printable_json(damage->file, strlen(damage->file), file, sizeof file);
    printable_json(damage->what, strlen(damage->what), what, sizeof what);
    if (tool->options->json)
        output_print(tool->out, "{\"file\":\"%s\",\"position\":%" PRIu64 ",\"damage\":\"%s\"}\n",
                     file, damage->position, what);
    else
        output_print(tool->out, "%s at %" PRIu64 ": %s\n", damage->file, damage->position,
                     damage->what);
    output_flush(tool->out); /* a check takes long; damage is told when it is found */
    end_if_broken(tool);
}

int log_tool_verify(const struct options *options, struct output *out) {
    struct env *env = open_env();
    if (env == NULL) return EXIT_REFUSED;
    struct error_text why;
    struct tool tool = {.options = options, .out = out};
    struct dump_totals totals = {0};
    int error = dump_verify(env, options->directory, print_damage, &tool, &totals, &why);
    if (error == ERR_NONE || error == ERR_CORRUPT)
        output_print(out,
                     options->json ? "{\"logs\":%" PRIu64 ",\"files\":%" PRIu64
                                     ",\"entries\":%" PRIu64 ",\"batches\":%" PRIu64
                                     ",\"bytes\":%" PRIu64 ",\"damages\":%" PRIu64 "}\n"
                                   : "%" PRIu64 " logs, %" PRIu64 " files, %" PRIu64
                                     " entries, %" PRIu64 " batches, %" PRIu64
                                     " bytes checked: %" PRIu64 " damages\n",
                     totals.logs, totals.files, totals.entries, totals.batches, totals.bytes,
                     totals.damages);
    return tool_end(&tool, env, error, &why);
}
