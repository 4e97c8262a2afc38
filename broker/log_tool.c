/*
 * The offline tools on a data directory: printing around storage/dump.h.
 *
 * Happy path: a line for each batch, or the totals of a check without damage. Failures: each damage is a line with its place, and the exit
 * code is 1.
 */
#include "broker/log_tool.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "base/env_uv.h"
#include "storage/dump.h"

enum { STDERR_FD = 2, LINE_MAX_BYTES = 2048, EXIT_DONE = 0, EXIT_REFUSED = 1 };

static struct env *open_env(void) {
    struct env *env;
    if (env_uv_new(&env, STDERR_FD) != ERR_NONE) {
        fprintf(stderr, "draved: the event loop cannot be made; is the limit of open files used up?\n");
        return NULL;
    }
    signal(SIGPIPE, SIG_DFL); /* `draved log dump DIR | head -1` ends quietly */
    return env;
}

static int end(struct env *env, int error, const struct error_text *why) {
    env_uv_free(env);
    if (error == ERR_NONE) return EXIT_DONE;
    fflush(stdout);
    fprintf(stderr, "draved: %s\n", why->text);
    return EXIT_REFUSED;
}

static void print_batch(void *arg, const struct dump_batch *batch) {
    const struct options *options = arg;
    char line[LINE_MAX_BYTES];
    if (options->json)
        dump_batch_json(batch, line, sizeof line);
    else
        dump_batch_text(batch, line, sizeof line);
    puts(line);
}

int log_tool_dump(const struct options *options) {
    struct env *env = open_env();
    if (env == NULL) return EXIT_REFUSED;
    struct error_text why;
    struct dump_filter filter = {.topic = options->topic, .partition = (int32_t)options->partition};
    return end(env, dump_batches(env, options->directory, &filter, print_batch, (void *)options, &why), &why);
}

static void print_damage(void *arg, const struct dump_damage *damage) {
    const struct options *options = arg;
    if (options->json)
        printf("{\"file\":\"%s\",\"position\":%" PRIu64 ",\"damage\":\"%s\"}\n", damage->file, damage->position,
               damage->what);
    else
        printf("%s at %" PRIu64 ": %s\n", damage->file, damage->position, damage->what);
}

int log_tool_verify(const struct options *options) {
    struct env *env = open_env();
    if (env == NULL) return EXIT_REFUSED;
    struct error_text why;
    struct dump_totals totals = {0};
    int error = dump_verify(env, options->directory, print_damage, (void *)options, &totals, &why);
    if (error == ERR_NONE || error == ERR_CORRUPT)
        printf(options->json ? "{\"logs\":%" PRIu64 ",\"files\":%" PRIu64 ",\"entries\":%" PRIu64
                               ",\"batches\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"damages\":%" PRIu64 "}\n"
                             : "%" PRIu64 " logs, %" PRIu64 " files, %" PRIu64 " entries, %" PRIu64 " batches, %" PRIu64
                               " bytes checked: %" PRIu64 " damages\n",
               totals.logs, totals.files, totals.entries, totals.batches, totals.bytes, totals.damages);
    return end(env, error, &why);
}
