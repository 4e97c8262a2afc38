/*
 * Passwords: the first line of a file or of standard input, or typed at a terminal, which does not
 * show it. Each is the caller's, for password_free, which wipes it.
 */
#ifndef CLIENT_LINE_PASSWORD_H
#define CLIENT_LINE_PASSWORD_H

/* NULL (said why): it cannot be read, or the line is empty. */
char *password_of_file(const char *path);
char *password_of_input(void);
/* NULL: nothing was typed. */
char *password_typed(const char *prompt);
void password_free(char *password); /* NULL does nothing */

#endif
