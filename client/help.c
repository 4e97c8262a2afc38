/* Help texts: client/help.h. */
#include "client/help.h"

#include <stdio.h>

#include "client/command_line.h"
#include "client/talk.h"

static void print_options(const struct command_option *options, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const struct command_option *o = &options[i];
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
    print_text("usage: drave %s%s%s [options]\n\n%s\n\n", command->name, *command->words ? " " : "", command->words,
               command->help);
    print_options(command->options, command->option_count);
    print_options(every_command, every_command_count);
    print_text("\nexample:\n  %s\n", command->example);
}

void help_print_all(void) {
    print_text("drave %s: a replicated log broker that speaks Kafka's protocol\n\nusage: drave COMMAND [options]\n\n",
               DRAVE_VERSION);
    for (size_t i = 0; i < command_count; i++) {
        char left[64];
        snprintf(left, sizeof(left), "%s %s", commands[i].name, commands[i].words);
        print_text("  %-36s %s\n", left, commands[i].help);
    }
    print_text("\ndrave COMMAND --help shows its options and an example. Options stand before or behind the words.\n");
}
