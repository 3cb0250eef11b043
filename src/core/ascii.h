/*
 * ascii.h
 *		Kinds of bytes, whatever the locale: what is judged is text from outside.
 */
#ifndef CG_CORE_ASCII_H
#define CG_CORE_ASCII_H

#include "postgres.h"

static inline bool
cg_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
cg_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* strchr() finds the terminator too, which a text may hold in no place. */
static inline bool
cg_is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

#endif /* CG_CORE_ASCII_H */
