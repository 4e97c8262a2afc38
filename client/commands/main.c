/*
 * drave: everything that a person or a script does to a running cluster.
 *
 * Happy path: parse the line by the table of commands, run the command, end with its exit code.
 * Failures: wrong usage says what is wrong and ends with 2. stdout is data, stderr is talk.
 */
#include <string.h>

#include "base/mem.h"
#include "client/about/about.h"
#include "client/bundle/bundle_read.h"
#include "client/kafka/kafka_property.h"
#include "client/line/command_line.h"
#include "client/line/help.h"
#include "client/line/interrupt.h"
#include "client/line/plugin.h"
#include "client/line/talk.h"
#include "client/line/watch.h"
#include "client/profile/profile_use.h"
#include "client/socket/socket_login.h"
#include "client/socket/socket_tls.h"

static void show_help(const struct invocation *in) {
    if (in->command) {
        help_print_command(in->command);
    } else if (in->word_count == 0 || !help_print_group(in->words[0])) {
        help_print_all();
    }
}

static bool is_about_a_cluster(const struct command *command) {
    const char *name = command->name;
    return (command->run && strncmp(name, "dev", 3) != 0 && strncmp(name, "profile", 7) != 0) ||
           strcmp(name, "completion") == 0;
}

static int run_command(struct invocation *in) {
    if (!in->command->run) {
        return about_run(in);
    }
    return invocation_has(in, OPTION_WATCH) ? watch_run(in) : in->command->run(in);
}

/* *asked: it came so far that its exit code is what the command says. */
static int run(struct invocation *in, bool *asked) {
    struct profiles profiles;
    if (invocation_has(in, OPTION_FROM)) {
        return bundle_show(in);
    }
    if (!is_about_a_cluster(in->command)) {
        *asked = true;
        return run_command(in);
    }
    int code = profile_apply(in, &profiles);
    code = code ? code : kafka_properties_take(in);
    code = code ? code : socket_tls_use(in);
    code = code ? code : socket_login_use(in);
    *asked = code == EXIT_DONE;
    code = code ? code : run_command(in);
    socket_login_forget();
    socket_tls_forget();
    profiles_free(&profiles);
    return code;
}

/* What was typed is done; `result` is what the line was found to be. */
static int act_on(struct invocation *in, enum command_line_result result,
                  const struct error_text *why, bool *asked) {
    switch (result) {
    case COMMAND_LINE_RUN: return run(in, asked);
    case COMMAND_LINE_VERSION: print_text("drave %s\n", DRAVE_VERSION); return EXIT_DONE;
    case COMMAND_LINE_HELP: show_help(in); return EXIT_DONE;
    case COMMAND_LINE_ALONE: show_help(in); return EXIT_USAGE;
    case COMMAND_LINE_WRONG: break;
    }
    say("%s", why->text);
    return EXIT_USAGE;
}

static int act(int argc, char **argv) {
    struct invocation in = {.timeout_ms = 10000};
    struct error_text why = {""};
    bool asked = false;
    if (argc < 2) {
        help_print_all();
        return EXIT_USAGE;
    }
    enum command_line_result result = command_line_parse(argc, argv, &in, &why);
    int code = act_on(&in, result, &why, &asked);
    mem_free(in.words);
    return code && !asked && plugin_is(argc, argv) ? plugin_not_asked() : code;
}

int main(int argc, char **argv) {
    talk_open(interrupted);
    return talk_close(act(argc, argv));
}
