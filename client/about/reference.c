/* Printing the table of commands as roff and as Markdown. */
#include "client/about/reference.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "client/line/command_line.h"
#include "client/line/talk.h"

/* ---- man(7) ---- */

enum { ROFF_LINE = 72 };

static void print_roff_char(char c, bool begins_line) {
    if (c == '\\') {
        print_text("\\e");
    } else if (c == '-') {
        print_text("\\-");
    } else {
        print_text((c == '.' || c == '\'') && begins_line ? "\\&%c" : "%c", c);
    }
}

/* Text as roff takes it: no dash that may become another, no backslash that means something, no
 * line that reads as a request. `fill`: lines may be broken at blanks, which roff fills up again.
 */
static void print_roff(const char *text, bool fill) {
    int column = 0;
    for (const char *at = text; *at; at++) {
        bool blank = fill && *at == ' ';
        if (blank && column + (int)strcspn(at + 1, " ") >= ROFF_LINE) {
            print_text("\n");
            column = 0;
        } else {
            print_roff_char(*at, column == 0);
            column++;
        }
    }
}

static void print_man_options(const struct command_option *options, size_t count) {
    for (size_t i = 0; i < count; i++) {
        print_text(".TP\n");
        if (options[i].letter) {
            print_text("\\fB\\-%c\\fR, ", options[i].letter);
        }
        print_text("\\fB\\-\\-");
        print_roff(options[i].name, false);
        print_text("\\fR");
        if (options[i].value) {
            print_text(" \\fI");
            print_roff(options[i].value, false);
            print_text("\\fR");
        }
        print_text("\n");
        print_roff(options[i].help, true);
        print_text("\n");
    }
}

static void print_man_command(const struct command *command) {
    print_text(".SS drave %s", command->name);
    if (*command->words) {
        print_text(" ");
        print_roff(command->words, false);
    }
    print_text("\n");
    print_roff(command->help, true);
    print_text("\n");
    print_man_options(command->options, command->option_count);
    print_text(".PP\nFor example:\n.PP\n.RS 4\n.nf\n");
    print_roff(command->example, false);
    print_text("\n.fi\n.RE\n");
}

void reference_print_man(void) {
    print_text(".TH DRAVE 1 2026-11-28 \"drave %s\" \"drave\"\n", DRAVE_VERSION);
    print_text(".SH NAME\ndrave \\- the command line of draved, a replicated log broker\n"
               ".SH SYNOPSIS\n.B drave\n.I COMMAND\n.RI [ words ]\n.RI [ options ]\n"
               ".SH DESCRIPTION\nResults are on standard output, sentences on standard error.\n"
               "Options stand before or behind the words; \\fB\\-\\-\\fR ends them.\n"
               ".SH OPTIONS\nEvery command has these:\n");
    print_man_options(every_command, every_command_count);
    print_text(".SH COMMANDS\n");
    for (size_t i = 0; i < command_count; i++) {
        print_man_command(&commands[i]);
    }
    print_text(
        ".SH EXIT STATUS\n"
        ".TP\n0\ndone\n.TP\n1\nrefused, failed, or not complete\n.TP\n2\nwrong usage\n.TP\n3\nno broker is reachable\n"
        ".SH ENVIRONMENT\n"
        ".TP\nDRAVE_BOOTSTRAP\nthe brokers to ask when there is no \\fB\\-b\\fR\n"
        ".TP\nDRAVE_PROFILE\nthe profile that holds when there is no \\fB\\-\\-profile\\fR\n"
        ".TP\nDRAVE_DEBUG\nwhen set, the log lines of librdkafka are shown\n");
}

/* ---- Markdown ---- */

/* In a table, | must not end the cell. */
static void print_cell(const char *text) {
    for (const char *at = text; *at; at++) {
        print_text(*at == '|' ? "\\|" : "%c", *at);
    }
}

static void print_markdown_options(const struct command_option *options, size_t count) {
    print_text("| option | meaning |\n|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        print_text("| `");
        if (options[i].letter) {
            print_text("-%c`, `", options[i].letter);
        }
        print_text("--%s%s", options[i].name, options[i].value ? " " : "");
        print_cell(options[i].value ? options[i].value : "");
        print_text("` | ");
        print_cell(options[i].help);
        print_text(" |\n");
    }
    print_text("\n");
}

void reference_print_markdown(void) {
    print_text("### Options of every command\n\n");
    print_markdown_options(every_command, every_command_count);
    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = &commands[i];
        print_text("### `drave %s%s%s`\n\n%s\n\n    %s\n\n", command->name,
                   *command->words ? " " : "", command->words, command->help, command->example);
        if (command->option_count > 0) {
            print_markdown_options(command->options, command->option_count);
        }
    }
}
