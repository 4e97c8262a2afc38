/*
 * A name of a stranger as a word of a command line that a person is shown, and may paste into a
 * terminal: quoted where a shell would take it apart, and without a byte that is a key there
 * ($'...', which bash, zsh and ksh read: ^C ends a line also inside of quotes, and what follows is
 * another command).
 */
#ifndef BASE_SECURE_SHELL_WORD_H
#define BASE_SECURE_SHELL_WORD_H

#include <stddef.h>

/* The word into `into`, terminated, and its length as it is whole; where that is not below `room`
 * what is there is cut, and nothing to be shown. */
size_t shell_word(const char *word, char *into, size_t room);

/* The same for a sentence, where what is too long is "NAME", for people to put in. Returns `into`.
 */
enum { SHELL_WORD_ROOM = 256 };
const char *shell_word_in(const char *word, char into[SHELL_WORD_ROOM]);

#endif
