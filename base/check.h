/*
 * Assertions that stay on in release builds. One condition each, without side effects.
 *
 * A failed check prints the condition, file and line on stderr and aborts: it means that this
 * program is wrong, never that its input is. Bad input gets an error.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

_Noreturn void check_failed(const char *condition, const char *file, int line);

#define CHECK(condition)                                                                     \
    do {                                                                                     \
        if (__builtin_expect(!(condition), 0)) check_failed(#condition, __FILE__, __LINE__); \
    } while (0)

#endif
