/*
 * hex.h
 *		Reads hexadecimal digits, in either case: the one reader of both programs.
 *
 * It is C without libraries, as the gate and the extension are two programs.  UUIDs in
 * their usual form are read by src/core/uuid.c, which uses it.
 */
#ifndef CG_CORE_HEX_H
#define CG_CORE_HEX_H

#include <stdbool.h>
#include <stddef.h>

/* What a digit stands for; -1 for any other byte, so that a zero byte ends every text. */
static inline int
cg_hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Reads two digits a byte; false at the first byte that is none, and to is undefined. */
static inline bool
cg_hex_read(const char *digits, size_t length, unsigned char *to)
{
	for (size_t i = 0; i < length; i++)
	{
		int high = cg_hex_value(digits[2 * i]);
		int low = high < 0 ? -1 : cg_hex_value(digits[2 * i + 1]);

		if (low < 0)
			return false;
		to[i] = (unsigned char) (high << 4 | low);
	}
	return true;
}

#endif /* CG_CORE_HEX_H */
