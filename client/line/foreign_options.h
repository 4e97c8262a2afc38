/* What options and commands of other tools are called here. */
#ifndef CLIENT_LINE_FOREIGN_OPTIONS_H
#define CLIENT_LINE_FOREIGN_OPTIONS_H

/* `word` as it was typed ("--bootstrap-server=x", "-t"), which is no option here. What does the
 * same, for the end of a sentence ("here it is -b HOST:PORT"); NULL: no tool that is known has it.
 */
const char *foreign_option(const char *word);

/* What does here what the words ("topic trim-prefix orders") begin with: "topic trim"; NULL: no
 * tool that is known calls anything so. */
const char *foreign_command(const char *words);

#endif
