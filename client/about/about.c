/* The commands help, version, completion and reference. */
#include "client/about/about.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <string.h>

#include "client/about/completion.h"
#include "client/about/reference.h"
#include "client/line/help.h"
#include "client/line/talk.h"

static int help(const struct invocation *in) {
    char name[128] = "";
    size_t used = 0;
    for (int i = 0; i < in->word_count && used < sizeof(name); i++) {
        used += (size_t)snprintf(name + used, sizeof(name) - used, "%s%s", i ? " " : "",
                                 in->words[i]);
    }
    if (!*name) {
        help_print_all();
        return EXIT_DONE;
    }
    if (help_print_named(name)) {
        return EXIT_DONE;
    }
    say("no command \"%s\"; drave --help lists them all", name);
    return EXIT_USAGE;
}

static int completion(const struct invocation *in) {
    if (strcmp(in->words[0], "words") == 0) {
        completion_words(in, in->words + 1, in->word_count - 1);
        return EXIT_DONE;
    }
    const char *script = in->word_count == 1 ? completion_script(in->words[0]) : NULL;
    if (!script) {
        say("there is no completion for \"%s\": there is bash, zsh and fish", in->words[0]);
        return EXIT_USAGE;
    }
    print_text("%s", script);
    return EXIT_DONE;
}

static int reference(const struct invocation *in) {
    if (strcmp(in->words[0], "man") == 0) {
        reference_print_man();
    } else if (strcmp(in->words[0], "markdown") == 0) {
        reference_print_markdown();
    } else {
        say("there is no reference as \"%s\": there is man and markdown", in->words[0]);
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static int version(const struct invocation *in) {
    if (in->json) {
        print_json(json_pack("{s:s,s:s,s:s}", "version", DRAVE_VERSION, "librdkafka",
                             rd_kafka_version_str(), "jansson", jansson_version_str()));
    } else {
        print_text("drave %s\nlibrdkafka %s\njansson %s\n", DRAVE_VERSION, rd_kafka_version_str(),
                   jansson_version_str());
    }
    return EXIT_DONE;
}

int about_run(struct invocation *in) {
    const char *name = in->command->name;
    return strcmp(name, "help") == 0         ? help(in)
           : strcmp(name, "version") == 0    ? version(in)
           : strcmp(name, "completion") == 0 ? completion(in)
                                             : reference(in);
}
