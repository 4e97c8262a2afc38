/* Printing commands and their options in columns. */
#include "client/line/help.h"

#include <stdio.h>
#include <string.h>

#include "client/line/command_line.h"
#include "client/line/talk.h"

/* Without those that `own` has in another way. */
static void print_options(const struct command_option *options, size_t n,
                          const struct command *own) {
    for (size_t i = 0; i < n; i++) {
        const struct command_option *o = &options[i];
        if (own && command_option_named(own, o->name)) {
            continue;
        }
        char left[48];
        int used = o->letter ? snprintf(left, sizeof(left), "-%c, --%s", o->letter, o->name)
                             : snprintf(left, sizeof(left), "    --%s", o->name);
        if (o->value) {
            snprintf(left + used, sizeof(left) - (size_t)used, " %s", o->value);
        }
        print_text("  %-28s %s\n", left, o->help);
    }
}

void help_print_command(const struct command *command) {
    print_text("usage: drave %s%s%s [options]\n\n%s\n\n", command->name, *command->words ? " " : "",
               command->words, command->help);
    print_options(command->options, command->option_count, NULL);
    print_options(every_command, every_command_count, command);
    print_text("\nexample:\n  %s\n", command->example);
}

/* The first sentence is enough in a list. */
static void print_command_line(const struct command *command) {
    char left[64];
    const char *end = strstr(command->help, ". ");
    int len = end ? (int)(end - command->help) + 1 : (int)strlen(command->help);
    snprintf(left, sizeof(left), "%s %s", command->name, command->words);
    print_text("  %-34s %.*s\n", left, len, command->help);
}

void help_print_all(void) {
    print_text(
        "drave %s: a replicated log broker that speaks Kafka's protocol\n\nusage: drave COMMAND [options]\n\n",
        DRAVE_VERSION);
    for (size_t i = 0; i < command_count; i++) {
        print_command_line(&commands[i]);
    }
    print_text(
        "\ndrave COMMAND --help shows its options and an example. Options stand before or behind the words.\n");
}

bool help_print_group(const char *first) {
    size_t len = strlen(first), count = 0;
    for (size_t i = 0; i < command_count; i++) {
        if (strncmp(commands[i].name, first, len) == 0 &&
            (commands[i].name[len] == ' ' || commands[i].name[len] == 0)) {
            if (count++ == 0) {
                print_text("usage: drave %s COMMAND [options]\n\n", first);
            }
            print_command_line(&commands[i]);
        }
    }
    if (count > 0) {
        print_text("\ndrave help %s COMMAND shows its options and an example.\n", first);
    }
    return count > 0;
}

bool help_print_named(const char *name) {
    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            help_print_command(&commands[i]);
            return true;
        }
    }
    return help_print_group(name);
}
