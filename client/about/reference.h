/* The reference of all commands, from their table: a man page, drave(1), and the Markdown of
 * docs/cli.md. */
#ifndef CLIENT_ABOUT_REFERENCE_H
#define CLIENT_ABOUT_REFERENCE_H

void reference_print_man(void);
void reference_print_markdown(void);

#endif
