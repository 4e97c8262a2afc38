/* Amounts as people read them: short, the unit behind them. */
#ifndef CLIENT_LINE_AMOUNT_H
#define CLIENT_LINE_AMOUNT_H

enum { AMOUNT_ROOM = 32 };

/* Each into `into`, which is returned; what is no number (NaN) or below 0 is "-". */
const char *amount_bytes(double bytes, char into[AMOUNT_ROOM]); /* "61.2 GiB", "512 B" */
const char *amount_count(double count, char into[AMOUNT_ROOM]); /* "42", "48.1 k", "1.2 M" */
const char *amount_time(double seconds,
                        char into[AMOUNT_ROOM]); /* "12 d 4 h", "3 m 20 s", "4.1 ms" */
/* The larger of two; what is no number is none. */
double amount_most(double one, double other);

#endif
