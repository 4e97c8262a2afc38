/* What every unit test includes: cmocka, which wants four headers of the library before it. */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What does not happen within so many seconds never does, however busy the machine is. */
enum { UNIT_PATIENCE_S = 60 };

#endif
