/*
 * email.c
 *		Finds the address in what people and mail programs write.
 *
 * Taken: blanks and comments around an address, a display name before <address>,
 * quoted or not, and mailto: with its headers (RFC 5322 section 3.4, RFC 6068).  Not
 * taken: several addresses, quoted local parts, routes, line ends within, and letters
 * outside of ASCII: a domain of other letters is to be written as the xn-- form that
 * mail programs send (decision 0018).
 *
 * The whole address is lowered: no mail host of weight tells Ann from ann, and two rows
 * of one person do harm.
 *
 * Called by normalize.c and canonical.c.  Shown by test/sql/validate.sql.
 * Pure: no memory, no errors.
 */
#include "postgres.h"

#include "core/email.h"
#include "core/validate.h"

/* A name, comments and an address. */
#define MAX_MAILBOX 1024

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Blanks, and what else is seen as nothing: U+00A0, U+200B to U+200F, U+2060, U+FEFF. */
static size_t
blank_length(const char *value, size_t length)
{
	if (length >= 1 && is_blank(value[0]))
		return 1;
	if (length >= 2 && memcmp(value, "\xC2\xA0", 2) == 0)
		return 2;
	if (length >= 3 &&
		(memcmp(value, "\xE2\x81\xA0", 3) == 0 || memcmp(value, "\xEF\xBB\xBF", 3) == 0 ||
		 (memcmp(value, "\xE2\x80", 2) == 0 && (unsigned char) value[2] >= 0x8B &&
		  (unsigned char) value[2] <= 0x8F)))
		return 3;
	return 0;
}

static void
trim(const char **value, size_t *length)
{
	size_t blank;

	while ((blank = blank_length(*value, *length)) > 0)
	{
		*value += blank;
		*length -= blank;
	}
	for (;;)
	{
		for (blank = Min(*length, 3); blank > 0; blank--)
		{
			if (blank_length(*value + *length - blank, blank) == blank)
				break;
		}
		if (blank == 0)
			return;
		*length -= blank;
	}
}

/* Behind a quoted string or a comment that begins at i; length when it has no end. */
static size_t
skip_quoted(const char *value, size_t length, size_t i)
{
	bool is_comment = value[i] == '(';
	int  depth = 1;

	for (i++; i < length && depth > 0; i++)
	{
		if (value[i] == '\\')
			i++;
		else if (is_comment && value[i] == '(')
			depth++;
		else if (value[i] == (is_comment ? ')' : '"'))
			depth--;
	}
	return depth == 0 ? i : length + 1;
}

/*
 * Copies a mailbox without its comments and quoted strings to bare, where a "\"" stands
 * for a quoted string.
 */
static CgEmailStatus
strip_mailbox(const char *value, size_t length, char *bare, size_t *bare_length)
{
	*bare_length = 0;
	for (size_t i = 0; i < length;)
	{
		if (value[i] == '\r' || value[i] == '\n' || value[i] == '\0')
			return CG_EMAIL_UNREADABLE;
		if (value[i] != '"' && value[i] != '(')
		{
			bare[(*bare_length)++] = value[i++];
			continue;
		}
		if (value[i] == '"')
			bare[(*bare_length)++] = '"';
		i = skip_quoted(value, length, i);
		if (i > length)
			return CG_EMAIL_UNREADABLE;
	}
	return CG_EMAIL_OK;
}

/* Leaves what is between < and >, if they are there; nothing may follow. */
static CgEmailStatus
unwrap_angles(const char **value, size_t *length)
{
	const char *open = memchr(*value, '<', *length);
	const char *end = *value + *length;
	const char *close;

	if (open == NULL)
		return CG_EMAIL_OK;
	close = memchr(open, '>', end - open);
	if (close == NULL)
		return CG_EMAIL_UNREADABLE;
	if (memchr(*value, ',', open - *value) != NULL &&
		memchr(*value, '@', open - *value) != NULL)
		return CG_EMAIL_SEVERAL;
	if (close != end - 1)
		return memchr(close, '@', end - close) != NULL ? CG_EMAIL_SEVERAL
													   : CG_EMAIL_UNREADABLE;
	*value = open + 1;
	*length = close - open - 1;
	trim(value, length);
	return CG_EMAIL_OK;
}

static void
unwrap_mailto(const char **value, size_t *length)
{
	const char *headers;

	if (*length < 7 || pg_strncasecmp(*value, "mailto:", 7) != 0)
		return;
	*value += 7;
	*length -= 7;
	headers = memchr(*value, '?', *length);
	if (headers != NULL)
		*length = headers - *value;
	trim(value, length);
}

/* What is wrong with something that is no address. */
static CgEmailStatus
refusal_of(const char *value, size_t length)
{
	int at_signs = 0;

	for (size_t i = 0; i < length; i++)
	{
		if (IS_HIGHBIT_SET(value[i]))
			return CG_EMAIL_NOT_ASCII;
		at_signs += value[i] == '@';
	}
	return at_signs > 1 && strcspn(value, ",; ") < length ? CG_EMAIL_SEVERAL
														  : CG_EMAIL_UNREADABLE;
}

CgEmailStatus
cg_email_read(const char *value, size_t length, char address[CG_EMAIL_MAX + 1])
{
	char          bare[MAX_MAILBOX + 1];
	size_t        bare_length;
	CgEmailStatus status;

	trim(&value, &length);
	if (length > MAX_MAILBOX)
		return CG_EMAIL_UNREADABLE;
	status = strip_mailbox(value, length, bare, &bare_length);
	if (status != CG_EMAIL_OK)
		return status;
	bare[bare_length] = '\0';
	value = bare;
	length = bare_length;
	trim(&value, &length);
	unwrap_mailto(&value, &length);
	status = unwrap_angles(&value, &length);
	if (status != CG_EMAIL_OK)
		return status;
	unwrap_mailto(&value, &length);
	if (!cg_email_valid(value, length))
		return refusal_of(value, length);
	for (size_t i = 0; i < length; i++)
		address[i] = pg_ascii_tolower((unsigned char) value[i]);
	address[length] = '\0';
	return CG_EMAIL_OK;
}
