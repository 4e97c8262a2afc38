/*
 * drave acl suggest: the fewest rules that would allow what brokers have told they would refuse.
 *
 * Happy path: lines of brokers' logs (event access_denied) come from files or standard input; each
 * has the command that would allow it; what they ask for is gathered, what others imply is left
 * out, and a command remains for each principal and resource. Nothing is changed, no broker is
 * asked. Failures: a file that cannot be read, exit code 1; lines whose names a shell would not
 * take as they are have no command, and are counted. Invariants: a line counts only if all behind
 * its "to allow it:" is the words of a command: what a client has chosen cannot pose as one. At
 * most WISHES_MAX different ones are kept.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "client/users/acl_words.h"

enum { WISHES_MAX = 10000, WORD_MAX = 256 };

static const char COMMAND[] = "to allow it: drave acl add ";
/* As the formats of the log name the event: text and journal at the end, logfmt, json. */
static const char AT_END[] = " [access_denied]", LOGFMT[] = " event=access_denied ",
                  JSON[] = "\"event\":\"access_denied\"";

/* What somebody wants to do with one thing. */
struct wish {
    char principal[WORD_MAX], name[WORD_MAX];
    int8_t resource;
    unsigned operations; /* a bit each */
};

struct suggestion {
    struct wish *wishes;
    size_t count, room, lines, without, left_out;
};

/* ---- Lines ---- */

/* As a broker writes them into a command. */
static bool is_word(const char *text) {
    size_t len = 0;
    while (isalnum((unsigned char)text[len]) || (text[len] && strchr("._-:@=,", text[len]))) {
        len++;
    }
    return len > 0 && len < WORD_MAX && text[len] == '\0';
}

static void keep(struct suggestion *all, const struct wish *wish) {
    for (size_t i = 0; i < all->count; i++) {
        struct wish *one = &all->wishes[i];
        if (one->resource == wish->resource && strcmp(one->principal, wish->principal) == 0 &&
            strcmp(one->name, wish->name) == 0) {
            one->operations |= wish->operations;
            return;
        }
    }
    if (all->count == WISHES_MAX) {
        all->left_out++;
        return;
    }
    all->wishes = mem_grow(all->wishes, all->count, &all->room, sizeof(*all->wishes));
    all->wishes[all->count++] = *wish;
}

/* PRINCIPAL OPERATION RESOURCE [NAME], cut into words in place. False: it is something else. */
static bool read_command(char *text, struct wish *wish) {
    char *words[4] = {NULL}, *rest = text;
    int count = 0;
    if (strncmp(text, "-- ", 3) == 0) {
        rest += 3;
    }
    for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " ")) {
        if (count == 4) {
            return false;
        }
        words[count++] = word;
    }
    if (count < 3 || !is_word(words[0]) || strlen(words[0]) >= WORD_MAX) {
        return false;
    }
    int8_t operation = acl_operation_of(words[1], strlen(words[1]));
    *wish = (struct wish){.resource = acl_resource_of(words[2], strlen(words[2])),
                          .operations = 1U << operation};
    bool of_cluster = wish->resource == ACL_CLUSTER, every = count == 4 && !strcmp(words[3], "'*'");
    if (operation <= ACL_ANY || wish->resource <= ACL_ANY || of_cluster != (count == 3) ||
        (count == 4 && !every && !is_word(words[3]))) {
        return false;
    }
    snprintf(wish->principal, sizeof(wish->principal), "%s", words[0]);
    snprintf(wish->name, sizeof(wish->name), "%s", of_cluster ? "" : every ? "*" : words[3]);
    return true;
}

/* The last that begins so: what stands before it may be a client's. */
static char *last_command(char *line) {
    char *found = NULL;
    for (char *at = line; (at = strstr(at, COMMAND)) != NULL; at++) {
        found = at;
    }
    return found ? found + sizeof(COMMAND) - 1 : NULL;
}

/* Takes it off the end of the line. */
static bool cut(char *line, const char *end) {
    size_t len = strlen(line), behind = strlen(end);
    if (len < behind || strcmp(line + len - behind, end) != 0) {
        return false;
    }
    line[len - behind] = '\0';
    return true;
}

/* Cuts what the format has behind the message. False: it is another event's. In the formats with
 * quotes those of a message have a backslash, which is in no word of a command. */
static bool cut_end(char *line) {
    bool text = cut(line, AT_END);
    if (text && cut(line, " more like it left out)")) {
        char *open = strrchr(line, '(');
        if (open && open > line && open[1 + strspn(open + 1, "0123456789")] == '\0') {
            open[-1] = '\0';
        }
    }
    if (!text && !strstr(line, LOGFMT) && !strstr(line, JSON)) {
        return false;
    }
    char *command = text ? NULL : last_command(line);
    if (command) {
        command[strcspn(command, "\"")] = '\0';
    }
    return true;
}

static void read_line(struct suggestion *all, char *line) {
    struct wish wish;
    if (!cut_end(line)) {
        return;
    }
    all->lines++;
    char *command = last_command(line);
    if (command && read_command(command, &wish)) {
        keep(all, &wish);
    } else {
        all->without++;
    }
}

static bool read_file(struct suggestion *all, const char *path) {
    bool input = strcmp(path, "-") == 0;
    FILE *file = input ? stdin : fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    if (!file) {
        say("%s cannot be read: %s", path, error_phrase(error_from_errno(errno)));
        return false;
    }
    for (ssize_t len; (len = getline(&line, &room, file)) > 0;) {
        line[strcspn(line, "\n")] = '\0';
        read_line(all, line);
    }
    bool fine = !ferror(file);
    if (!fine) {
        say("%s cannot be read to its end; what came before it counts", path);
    }
    free(line); /* getline's */
    if (!input) {
        fclose(file);
    }
    return fine;
}

/* ---- Rules ---- */

/* Whether the wish, or the same about all names, has a right that implies this one. */
static bool is_implied(const struct suggestion *all, const struct wish *wish, int operation) {
    for (size_t i = 0; i < all->count; i++) {
        const struct wish *one = &all->wishes[i];
        bool same = one == wish, every = strcmp(one->name, "*") == 0 && !same;
        if (one->resource != wish->resource || strcmp(one->principal, wish->principal) != 0 ||
            (!same && !every)) {
            continue;
        }
        for (int other = ACL_ALL; other < ACL_OPERATIONS; other++) {
            if ((one->operations >> other & 1) != 0 && (other != operation || every) &&
                acl_implies(other, operation)) {
                return true;
            }
        }
    }
    return false;
}

static int by_words(const void *a, const void *b) {
    const struct wish *one = a, *other = b;
    int order = strcmp(one->principal, other->principal);
    order = order ? order : one->resource - other->resource;
    return order ? order : strcmp(one->name, other->name);
}

/* "read,write"; how many. */
static int operations_text(const struct suggestion *all, const struct wish *wish, char *into,
                           size_t room) {
    int count = 0;
    size_t used = 0;
    into[0] = '\0';
    for (int operation = ACL_ALL; operation < ACL_OPERATIONS; operation++) {
        if ((wish->operations >> operation & 1) != 0 && !is_implied(all, wish, operation)) {
            used += (size_t)snprintf(into + used, room - used, "%s%s", count ? "," : "",
                                     acl_operation_word(operation));
            count++;
        }
    }
    return count;
}

static void print_all(const struct invocation *in, struct suggestion *all) {
    json_t *list = json_array();
    int rules = 0;
    qsort(all->wishes, all->count, sizeof(*all->wishes), by_words);
    for (size_t i = 0; i < all->count; i++) {
        const struct wish *wish = &all->wishes[i];
        char operations[256];
        int count = operations_text(all, wish, operations, sizeof(operations));
        if (count == 0) {
            continue;
        }
        rules += count;
        const char *resource = acl_resource_word(wish->resource);
        bool every = strcmp(wish->name, "*") == 0;
        if (!in->json) {
            print_text("drave acl add %s%s %s %s%s%s\n", wish->name[0] == '-' ? "-- " : "",
                       wish->principal, operations, resource, *wish->name ? " " : "",
                       every ? "'*'" : wish->name);
        }
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s}", "principal", wish->principal,
                                              "operations", operations, "resource", resource,
                                              "name", wish->name));
    }
    if (in->json) {
        print_json(json_incref(list));
    }
    json_decref(list);
    say("%d rules would allow what %zu lines tell of%s", rules, all->lines,
        rules ? "; look at each before you add it: who asked may have had no business to" : "");
    if (all->without > 0) {
        say("%zu lines have no command (a rule denies it, or a name that is no plain word): drave "
            "acl list, drave help acl add",
            all->without);
    }
    if (all->left_out > 0) {
        say("%zu lines came when %d were kept already; add these rules, and look again",
            all->left_out, WISHES_MAX);
    }
}

int command_acl_suggest(struct invocation *in) {
    struct suggestion all = {0};
    bool fine = true;
    for (int i = 0; i < in->word_count; i++) {
        fine = read_file(&all, in->words[i]) && fine;
    }
    if (in->word_count == 0) {
        fine = read_file(&all, "-");
    }
    print_all(in, &all);
    mem_free(all.wishes);
    return fine ? EXIT_DONE : EXIT_REFUSED;
}
