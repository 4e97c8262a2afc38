/*
 * drave: everything that a person or a script does to a running cluster.
 *
 * Happy path: find the command (one or two words), parse its options with getopt_long, run it. Failures: wrong usage says
 * what is wrong, names the nearest command, and ends with 2. stdout is data, stderr is talk.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest_name.h"
#include "client/command.h"
#include "client/talk.h"

enum { OPTIONS_MAX = 24 };

static const struct command_option every_command[] = {
    {'b', 'b', "bootstrap", "HOSTS", "brokers to ask, host:port,... ($DRAVE_BOOTSTRAP, 127.0.0.1:9092)"},
    {0, OPTION_JSON, "json", NULL, "the result as JSON on stdout"},
    {0, OPTION_TIMEOUT, "timeout", "TIME", "how long to try: 10s, 500ms (10s)"},
    {'h', OPTION_HELP, "help", NULL, "this text"},
};
enum { EVERY_COUNT = sizeof(every_command) / sizeof(every_command[0]) };

static void print_options(const struct command_option *options, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const struct command_option *o = &options[i];
        char left[48];
        int used = o->letter ? snprintf(left, sizeof(left), "-%c, --%s", o->letter, o->name)
                             : snprintf(left, sizeof(left), "    --%s", o->name);
        if (o->value) {
            snprintf(left + used, sizeof(left) - (size_t)used, " %s", o->value);
        }
        printf("  %-28s %s\n", left, o->help);
    }
}

static void print_help(const struct command *command) {
    printf("usage: drave %s%s%s [options]\n\n%s\n\n", command->name, *command->words ? " " : "", command->words,
           command->help);
    print_options(command->options, command->option_count);
    print_options(every_command, EVERY_COUNT);
    printf("\nexample:\n  %s\n", command->example);
}

static void print_commands(void) {
    printf("drave %s: a replicated log broker that speaks Kafka's protocol\n\nusage: drave COMMAND [options]\n\n",
           DRAVE_VERSION);
    for (size_t i = 0; i < command_count; i++) {
        char left[64];
        snprintf(left, sizeof(left), "%s %s", commands[i].name, commands[i].words);
        printf("  %-36s %s\n", left, commands[i].help);
    }
    printf("\ndrave COMMAND --help shows its options and an example.\n");
}

/* The command named by the first one or two words; the longer name wins. *used says how many words it took. */
static const struct command *find_command(int argc, char **argv, int *used) {
    char two[64] = "";
    if (argc > 2 && argv[2][0] != '-') {
        snprintf(two, sizeof(two), "%s %s", argv[1], argv[2]);
    }
    const struct command *one_word = NULL;
    for (size_t i = 0; i < command_count; i++) {
        if (*two && strcmp(commands[i].name, two) == 0) {
            *used = 2;
            return &commands[i];
        }
        if (strcmp(commands[i].name, argv[1]) == 0) {
            one_word = &commands[i];
        }
    }
    /* "dev frobnicate": a word that the one-word command does not take is a mistyped second word. */
    *used = 1;
    return one_word && !(*two && one_word->max_words == 0) ? one_word : NULL;
}

/* "topic" alone: names the words that may follow it; false when there are none. */
static bool say_second_words(const char *first) {
    char list[256] = "";
    size_t len = strlen(first), used = 0;
    for (size_t i = 0; i < command_count && used < sizeof(list); i++) {
        if (strncmp(commands[i].name, first, len) == 0 && commands[i].name[len] == ' ') {
            used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", *list ? ", " : "",
                                     commands[i].name + len + 1);
        }
    }
    if (*list) {
        say("drave %s needs another word: %s", first, list);
    }
    return *list != 0;
}

static int unknown_command(int argc, char **argv) {
    char given[128];
    if (argv[1][0] == '-') {
        say("options come after the command, not %s first; for example: drave info -b 127.0.0.1:9092", argv[1]);
        return EXIT_USAGE;
    }
    if ((argc == 2 || argv[2][0] == '-') && say_second_words(argv[1])) {
        return EXIT_USAGE;
    }
    snprintf(given, sizeof(given), "%s%s%s", argv[1], argc > 2 && argv[2][0] != '-' ? " " : "",
             argc > 2 && argv[2][0] != '-' ? argv[2] : "");
    const char **names = mem_alloc(command_count * sizeof(*names));
    for (size_t i = 0; i < command_count; i++) {
        names[i] = commands[i].name;
    }
    const char *near = nearest_name(given, names, command_count);
    if (!near) {
        near = nearest_name(argv[1], names, command_count);
    }
    mem_free(names);
    if (near) {
        say("no command \"%s\"; did you mean \"drave %s\"? drave --help lists them all", given, near);
    } else {
        say("no command \"%s\"; drave --help lists them all", given);
    }
    return EXIT_USAGE;
}

/* "10s", "500ms", "2" (seconds) in milliseconds; 0: not a time. */
static uint64_t parse_time(const char *text) {
    char *end;
    double value = strtod(text, &end);
    double unit = strcmp(end, "ms") == 0               ? 1
                  : *end == 0 || strcmp(end, "s") == 0 ? 1000
                  : strcmp(end, "m") == 0              ? 60000
                                                       : 0;
    double ms = value * unit;
    return end != text && ms >= 1 && ms <= 86400e3 ? (uint64_t)ms : 0;
}

struct getopt_tables {
    struct option longs[OPTIONS_MAX];
    char shorts[2 * OPTIONS_MAX + 2]; /* begins with ':', so that getopt tells a missing value from an unknown option */
};

static void add_options(struct getopt_tables *tables, size_t *n, const struct command_option *options, size_t count) {
    for (size_t i = 0; i < count; i++, (*n)++) {
        const struct command_option *o = &options[i];
        tables->longs[*n] = (struct option){o->name, o->value ? required_argument : no_argument, NULL, o->key};
        if (o->letter) {
            size_t len = strlen(tables->shorts);
            snprintf(tables->shorts + len, sizeof(tables->shorts) - len, "%c%s", o->letter, o->value ? ":" : "");
        }
    }
}

/* Sets one parsed option; false when its value makes no sense (said). */
static bool take_option(struct invocation *in, int key, const char *value) {
    if (key == 'b') {
        in->bootstrap = value;
    } else if (key == OPTION_JSON) {
        in->json = true;
    } else if (key == OPTION_TIMEOUT) {
        in->timeout_ms = parse_time(value);
        if (in->timeout_ms == 0) {
            say("--timeout %s is not a time; write 10s, 500ms or 2m (at most a day)", value);
            return false;
        }
    } else if (in->value_count == INVOCATION_VALUES) {
        say("more than %d options; give fewer", INVOCATION_VALUES);
        return false;
    } else {
        in->values[in->value_count].key = key;
        in->values[in->value_count++].value = value ? value : "";
    }
    return true;
}

/* Says what is wrong with the option that getopt has just refused. */
static int wrong_option(const struct invocation *in, const struct getopt_tables *tables, int key, const char *word) {
    const char *command = in->command->name, *names[OPTIONS_MAX];
    size_t count = 0;
    if (key == ':') {
        say("option %s needs a value; see drave %s --help", word, command);
        return EXIT_USAGE;
    }
    if (optopt >= OPTION_JSON) {
        say("option %s takes no value; see drave %s --help", word, command);
        return EXIT_USAGE;
    }
    while (tables->longs[count].name) {
        names[count] = tables->longs[count].name;
        count++;
    }
    const char *near = strncmp(word, "--", 2) == 0 ? nearest_name(word + 2, names, count) : NULL;
    if (near) {
        say("drave %s has no option %s; did you mean --%s?", command, word, near);
    } else {
        say("drave %s has no option %s; see drave %s --help", command, word, command);
    }
    return EXIT_USAGE;
}

static int parse(struct invocation *in, int argc, char **argv, bool *help) {
    struct getopt_tables tables = {.shorts = ":"};
    size_t n = 0;
    add_options(&tables, &n, every_command, EVERY_COUNT);
    add_options(&tables, &n, in->command->options, in->command->option_count);
    opterr = 0;
    for (;;) {
        int key = getopt_long(argc, argv, tables.shorts, tables.longs, NULL);
        if (key == -1) {
            break;
        }
        if (key == OPTION_HELP || key == 'h') {
            *help = true;
            return EXIT_DONE;
        }
        if (key == '?' || key == ':') {
            return wrong_option(in, &tables, key, argv[optind - 1]);
        }
        if (!take_option(in, key, optarg)) {
            return EXIT_USAGE;
        }
    }
    in->words = argv + optind;
    in->word_count = argc - optind;
    if (in->word_count < in->command->min_words || in->word_count > in->command->max_words) {
        say("usage: drave %s %s [options]; see drave %s --help", in->command->name, in->command->words,
            in->command->name);
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_commands();
        return argc < 2 ? EXIT_USAGE : EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("drave %s\n", DRAVE_VERSION);
        return EXIT_DONE;
    }
    int used = 0;
    const struct command *command = find_command(argc, argv, &used);
    if (!command) {
        return unknown_command(argc, argv);
    }
    const char *from_environment = getenv("DRAVE_BOOTSTRAP");
    struct invocation in = {.command = command,
                            .bootstrap = from_environment && *from_environment ? from_environment : "127.0.0.1:9092",
                            .timeout_ms = 10000};
    bool help = false;
    int code = parse(&in, argc - used, argv + used, &help);
    if (help) {
        print_help(command);
        return EXIT_DONE;
    }
    if (code == EXIT_DONE) {
        code = command->run(&in);
    }
    return talk_close(code);
}
