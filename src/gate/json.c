/*
 * json.c
 *		Writes JSON strings.
 *
 * No general JSON: requests and answers carry theirs as bytes.
 *
 * Called by:	log.c, request.c
 * Shown by:	test/t/100_gate_http.pl, test/t/102_gate_log.pl
 */
#include <stdint.h>
#include <string.h>

#include "gate/json.h"

/* How many bytes the UTF-8 sequence at p has; 0 when there is none. */
static size_t
utf8_length(const unsigned char *p, size_t left)
{
	size_t length = p[0] < 0x80   ? 1
					: p[0] < 0xc2 ? 0
					: p[0] < 0xe0 ? 2
					: p[0] < 0xf0 ? 3
					: p[0] < 0xf5 ? 4
								  : 0;

	if (length == 0 || length > left)
		return 0;
	for (size_t i = 1; i < length; i++)
	{
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	/* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
		(p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return length;
}

static bool
is_utf8(const char *bytes, size_t length)
{
	size_t i = 0;

	while (i < length)
	{
		size_t step = utf8_length((const unsigned char *) bytes + i, length - i);

		if (step == 0)
			return false;
		i += step;
	}
	return true;
}

void
cg_json_escape(CgBuffer *out, const char *bytes, size_t length)
{
	bool   utf8 = is_utf8(bytes, length);
	size_t plain = 0;

	for (size_t i = 0; i < length; i++)
	{
		unsigned char c = (unsigned char) bytes[i];

		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f && (c < 0x80 || utf8))
			continue;
		cg_buffer_append(out, bytes + plain, i - plain);
		plain = i + 1;
		if (c == '"' || c == '\\')
		{
			cg_buffer_char(out, '\\');
			cg_buffer_char(out, (char) c);
		}
		else
			cg_buffer_printf(out, "\\u%04x", c);
	}
	cg_buffer_append(out, bytes + plain, length - plain);
}

void
cg_json_string(CgBuffer *out, const char *text)
{
	cg_buffer_char(out, '"');
	cg_json_escape(out, text, strlen(text));
	cg_buffer_char(out, '"');
}
