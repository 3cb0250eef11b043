/*
 * json.c
 *		Writes JSON strings and reads the header list of a response.
 *
 * No general JSON: requests carry their JSON to the database as bytes, and what
 * comes back was written by jsonb, which leaves strings, numbers and two levels.
 * It is judged strictly all the same, because a value lands in a response head.
 *
 * Called by:	log.c, request.c, response.c
 * Shown by:	test/t/100_gate_http.pl
 */
#include <stdint.h>
#include <string.h>

#include "gate/hex.h"
#include "gate/json.h"

typedef struct Reader
{
	const char  *at;
	const char  *end;
	CgBuffer     name;
	CgBuffer     value;
	CgJsonHeader header;
	void        *context;
} Reader;

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

static void
skip_space(Reader *reader)
{
	while (reader->at < reader->end && memchr(" \t\r\n", *reader->at, 4) != NULL)
		reader->at++;
}

/* Skips white space, then takes c if it is next. */
static bool
take(Reader *reader, char c)
{
	skip_space(reader);
	if (reader->at == reader->end || *reader->at != c)
		return false;
	reader->at++;
	return true;
}

/* \uXXXX below U+0100 only: a header has nothing to do with more of them. */
static bool
read_unicode(Reader *reader, CgBuffer *out)
{
	unsigned code = 0;

	if (reader->end - reader->at < 4)
		return false;
	for (int i = 0; i < 4; i++)
	{
		int digit = cg_hex_value(*reader->at++);

		if (digit < 0)
			return false;
		code = code * 16 + (unsigned) digit;
	}
	if (code > 0xff)
		return false;
	if (code >= 0x80)
	{
		cg_buffer_char(out, (char) (0xc0 | code >> 6));
		code = 0x80 | (code & 0x3f);
	}
	cg_buffer_char(out, (char) code);
	return true;
}

static bool
read_escape(Reader *reader, CgBuffer *out)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	const char       *found;
	char              c;

	if (reader->at == reader->end)
		return false;
	c = *reader->at++;
	if (c == 'u')
		return read_unicode(reader, out);
	found = c == '\0' ? NULL : strchr(from, c);
	if (found == NULL)
		return false;
	cg_buffer_char(out, to[found - from]);
	return true;
}

static bool
read_string(Reader *reader, CgBuffer *out)
{
	out->length = 0;
	if (!take(reader, '"'))
		return false;
	while (reader->at < reader->end)
	{
		char c = *reader->at++;

		if (c == '"')
			return !out->failed;
		if (c != '\\')
			cg_buffer_char(out, c);
		else if (!read_escape(reader, out))
			return false;
	}
	return false;
}

/* A string or a number; the number is copied as it stands. */
static bool
read_scalar(Reader *reader, CgBuffer *out)
{
	if (take(reader, '"'))
	{
		reader->at--;
		return read_string(reader, out);
	}
	out->length = 0;
	while (reader->at < reader->end && memchr("+-.0123456789eE", *reader->at, 15) != NULL)
		cg_buffer_char(out, *reader->at++);
	return out->length > 0 && !out->failed;
}

static bool
emit(Reader *reader)
{
	return reader->header(reader->context, reader->name.data, reader->name.length,
						  reader->value.data, reader->value.length);
}

static bool
read_pair(Reader *reader)
{
	return take(reader, '[') && read_string(reader, &reader->name) && take(reader, ',') &&
		   read_scalar(reader, &reader->value) && take(reader, ']') && emit(reader);
}

static bool
read_member(Reader *reader)
{
	if (!read_string(reader, &reader->name) || !take(reader, ':'))
		return false;
	if (!take(reader, '['))
		return read_scalar(reader, &reader->value) && emit(reader);
	if (take(reader, ']'))
		return true;
	do
	{
		if (!read_scalar(reader, &reader->value) || !emit(reader))
			return false;
	} while (take(reader, ','));
	return take(reader, ']');
}

static bool
read_list(Reader *reader)
{
	bool is_object = take(reader, '{');
	char close = is_object ? '}' : ']';

	if (!is_object && !take(reader, '['))
		return false;
	if (!take(reader, close))
	{
		do
		{
			if (!(is_object ? read_member(reader) : read_pair(reader)))
				return false;
		} while (take(reader, ','));
		if (!take(reader, close))
			return false;
	}
	skip_space(reader);
	return reader->at == reader->end;
}

bool
cg_json_read_headers(const char *text, size_t length, CgJsonHeader header, void *context)
{
	Reader reader = {.at = text, .end = text + length};
	bool   ok;

	reader.header = header;
	reader.context = context;
	ok = read_list(&reader);
	cg_buffer_free(&reader.name);
	cg_buffer_free(&reader.value);
	return ok;
}
