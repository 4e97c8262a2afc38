/* One line, with the echo of the terminal off. */
#include "client/line/password.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "client/line/talk.h"

enum { LINE_ROOM = 512 };

static char *first_line(FILE *file) {
    char line[LINE_ROOM];
    setvbuf(file, NULL, _IONBF, 0); /* no second copy */
    char *text = fgets(line, sizeof(line), file) ? mem_text(line, strcspn(line, "\r\n")) : NULL;
    explicit_bzero(line, sizeof(line));
    if (text && !*text) {
        mem_free(text);
        text = NULL;
    }
    return text;
}

char *password_of_file(const char *path) {
    FILE *file = fopen(path, "re");
    if (!file) {
        say("%s cannot be read: %s", path, error_phrase(error_from_errno(errno)));
        return NULL;
    }
    char *password = first_line(file);
    fclose(file);
    if (!password) {
        say("the first line of %s is empty; write the password there", path);
    }
    return password;
}

char *password_of_input(void) {
    char *password = first_line(stdin);
    if (!password) {
        say("there is no password on standard input; write it there as a line");
    }
    return password;
}

char *password_typed(const char *prompt) {
    struct termios shown, hidden;
    say_prompt(prompt);
    if (tcgetattr(STDIN_FILENO, &shown) != 0) {
        return NULL;
    }
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    char *password = first_line(stdin);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    say_plain("%s", "");
    return password;
}

void password_free(char *password) {
    if (password) {
        explicit_bzero(password, strlen(password));
    }
    mem_free(password);
}
